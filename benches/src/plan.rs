//! Which files a generated monorepo has and which imports which: the shape, without the bodies.

use std::collections::BTreeSet;

use crate::random::Random;
use crate::third_party;

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
    /// What it imports of distributions.
    pub outside: Vec<&'static str>,
}

const FOLDERS: [&str; 5] = ["api", "domain", "storage", "tasks", "tests"];
/// In every tenth package this folder has no `__init__.py`: a namespace package.
const NAMESPACE: (usize, &str) = (10, "tasks");
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
                file.outside = outside(&mut random, at);
            }
        }
        Self { packages }
    }

    /// Of each package those before it that it imports, by their places: what tools are told that know
    /// nothing of files. Imports that close a cycle are left out, as these tools refuse cycles.
    pub fn package_imports(&self) -> Vec<BTreeSet<usize>> {
        let place = |module: &str| -> usize {
            let number = module.split('.').next().and_then(|name| name.strip_prefix("pkg_"));
            number.and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
        };
        let imported = |(index, package): (usize, &Package)| {
            let all = package.files.iter().flat_map(|file| &file.imports);
            all.map(|module| place(module)).filter(|other| *other < index).collect()
        };
        self.packages.iter().enumerate().map(imported).collect()
    }

    /// The file that most files import, directly: where a change is felt most.
    pub fn hub(&self) -> &File {
        let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
        for module in self.files().flat_map(|file| &file.imports) {
            *counts.entry(module).or_default() += 1;
        }
        // Of several the last one in the order of packages.
        let count = |file: &&File| counts.get(file.module.as_str()).copied().unwrap_or_default();
        self.files().max_by_key(count).unwrap_or(&self.packages[0].files[0])
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.packages.iter().flat_map(|package| &package.files)
    }
}

fn package(shape: &Shape, index: usize) -> Package {
    let name = format!("pkg_{index:04}");
    let count = shape.files / shape.packages + usize::from(index < shape.files % shape.packages);
    let files = (0..count).map(|at| file(&name, at, index % NAMESPACE.0 == 3)).collect();
    Package { name, files }
}

fn file(package: &str, at: usize, has_namespace: bool) -> File {
    let (path, module) = match at.checked_sub(1) {
        None => ("__init__.py".to_string(), String::new()),
        // A module like others in place of the `__init__.py`, so that counts stay as they are.
        Some(rest) if rest < FOLDERS.len() && has_namespace && FOLDERS[rest] == NAMESPACE.1 => {
            (format!("{}/entry.py", FOLDERS[rest]), format!(".{}.entry", FOLDERS[rest]))
        }
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
        outside: Vec::new(),
    }
}

/// Two files of three import something that is installed.
fn outside(random: &mut Random, at: usize) -> Vec<&'static str> {
    let all: Vec<&str> = third_party::import_names().collect();
    let count = if at > FOLDERS.len() { random.below(3) } else { 0 };
    let names: BTreeSet<&str> = (0..count).map(|_| random.pick(&all)).collect();
    names.into_iter().collect()
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
    fn some_folders_are_namespaces_and_some_imports_lead_out() {
        let plan = check(20, 800, 3);
        let has = |path: &str| plan.files().any(|file| file.path == path);
        assert!(has("pkg_0002/tasks/__init__.py") && !has("pkg_0003/tasks/__init__.py"));
        assert!(has("pkg_0003/tasks/entry.py"));
        let outside = plan.files().filter(|file| !file.outside.is_empty()).count();
        assert!((350..650).contains(&outside), "{outside}");
    }

    #[test]
    fn what_packages_import_has_no_cycles_and_the_hub_is_imported() {
        let plan = check(20, 800, 3);
        let imports = plan.package_imports();
        assert_eq!(imports.len(), 20);
        let is_before = |(at, all): (usize, &BTreeSet<usize>)| all.iter().all(|one| *one < at);
        assert!(imports.iter().enumerate().all(is_before));
        assert!(imports.iter().filter(|all| !all.is_empty()).count() > 15);
        let hub = &plan.hub().module;
        assert!(plan.files().filter(|file| file.imports.contains(hub)).count() > 3);
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
