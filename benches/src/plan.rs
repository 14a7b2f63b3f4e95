//! Which files a generated monorepo has and which imports which: the shape, without the bodies.

use crate::random::Random;

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Packages, each a module of qik.
    pub packages: usize,
    /// Python files, over all packages.
    pub files: usize,
    /// Another one, another repo.
    pub seed: u64,
    /// Bodies of a few lines instead of about 5 KB.
    pub tiny: bool,
}

/// All packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order of their names.
    pub packages: Vec<Package>,
}

/// A top-level package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Folder and import name.
    pub name: String,
    /// Its files.
    pub files: Vec<File>,
}

/// A Python file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Relative to the repo.
    pub path: String,
    /// What an `import` calls it.
    pub module: String,
    /// The modules of this repo that it imports.
    pub imports: Vec<String>,
}

const FOLDERS: [&str; 5] = ["api", "domain", "storage", "tasks", "tests"];
const NOUNS: [&str; 12] = [
    "account", "batch", "client", "digest", "event", "filter", "graph", "invoice", "journal",
    "key", "ledger", "message",
];

impl Plan {
    /// The plan of that shape.
    ///
    /// A package imports packages before it, so that closures are long at the end and short at the
    /// start; one import in two hundred goes the other way and closes a cycle.
    ///
    /// # Panics
    /// If there are no packages, or fewer files than packages.
    pub fn new(shape: &Shape) -> Self {
        assert!(shape.packages > 0 && shape.files >= shape.packages);
        let mut packages: Vec<Package> =
            (0..shape.packages).map(|index| package(shape, index)).collect();
        let modules: Vec<Vec<String>> = packages
            .iter()
            .map(|package| package.files.iter().map(|file| file.module.clone()).collect())
            .collect();
        for (index, package) in packages.iter_mut().enumerate() {
            let mut random = Random::fork(shape.seed, index as u64);
            for (at, file) in package.files.iter_mut().enumerate() {
                file.imports = imports(&mut random, &modules, index, at);
            }
        }
        Self { packages }
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.packages.iter().flat_map(|package| &package.files)
    }
}

fn package(shape: &Shape, index: usize) -> Package {
    let name = format!("pkg_{index:04}");
    let count = shape.files / shape.packages + usize::from(index < shape.files % shape.packages);
    let files = (0..count).map(|at| file(&name, at)).collect();
    Package { name, files }
}

fn file(package: &str, at: usize) -> File {
    let (path, module) = match at.checked_sub(1) {
        None => ("__init__.py".to_string(), String::new()),
        Some(rest) if rest < FOLDERS.len() => {
            (format!("{}/__init__.py", FOLDERS[rest]), format!(".{}", FOLDERS[rest]))
        }
        Some(rest) => {
            let number = rest - FOLDERS.len();
            let folder = FOLDERS[number % FOLDERS.len()];
            let prefix = if folder == "tests" { "test_" } else { "" };
            let stem = format!("{prefix}{}_{number}", NOUNS[number % NOUNS.len()]);
            (format!("{folder}/{stem}.py"), format!(".{folder}.{stem}"))
        }
    };
    File {
        path: format!("{package}/{path}"),
        module: format!("{package}{module}"),
        imports: Vec::new(),
    }
}

fn imports(random: &mut Random, all: &[Vec<String>], index: usize, at: usize) -> Vec<String> {
    let own = &all[index];
    let mut imports = Vec::new();
    if at > FOLDERS.len() {
        // Within a package, too, later files import earlier ones.
        for _ in 0..1 + random.below(4) {
            imports.push(own[random.below(at)].clone());
        }
        for _ in 0..random.below(4) {
            let other = if random.below(200) == 0 { all.len() } else { index };
            if other > 0 {
                let package = &all[random.below(other)];
                imports.push(package[random.below(package.len())].clone());
            }
        }
    }
    imports.retain(|module| *module != own[at]);
    imports.sort();
    imports.dedup();
    imports
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Plan, Shape};

    fn check(packages: usize, files: usize, seed: u64) -> Plan {
        let plan = Plan::new(&Shape { packages, files, seed, tiny: true });
        assert_eq!(plan.packages.len(), packages);
        assert_eq!(plan.files().count(), files);
        let modules: BTreeSet<&String> = plan.files().map(|file| &file.module).collect();
        let paths: BTreeSet<&String> = plan.files().map(|file| &file.path).collect();
        assert_eq!((modules.len(), paths.len()), (files, files));
        for file in plan.files() {
            assert!(file.imports.iter().all(|import| modules.contains(import)));
        }
        plan
    }

    #[test]
    fn counts_are_exact_and_imports_exist() {
        check(1, 1, 0);
        check(3, 100, 1);
        check(50, 2_003, 2);
    }

    #[test]
    fn a_seed_is_a_plan() {
        assert_eq!(check(5, 200, 7), check(5, 200, 7));
        assert_ne!(check(5, 200, 7), check(5, 200, 8));
    }

    #[test]
    fn packages_import_each_other() {
        let plan = check(20, 800, 3);
        let crossing = |file: &&super::File| {
            let own = file.module.split('.').next();
            file.imports.iter().any(|import| import.split('.').next() != own)
        };
        assert!(plan.files().filter(crossing).count() > 200);
    }
}
