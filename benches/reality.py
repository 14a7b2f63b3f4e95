"""Holds the import graph against what Python really loads, and against grimp, on released packages.

    QIK=target/release/qik python3 benches/reality.py [NAME…]
    QIK=target/debug/qik python3 benches/reality.py --installed [NAME…]

The first form unpacks pinned sources below CACHE (by default in the user's cache folder) and installs
what their tests need in an environment there. The second is small: it takes packages that this very
Python has installed with their tests, next to grimp and pytest. Then, for each package:

- imports a sample of its modules, each in a process of its own, and runs a sample of its test files
  the same way, and its whole test suite once. `reality_recorder` notes every file that was executed
  as a module and every Python file that was opened. Each must be in qik's closure of that module,
  of that test file, of the tests together.
- compares the edges between its modules with those of grimp; each difference must fall in one of
  the classes of `docs/import-graph.md`.

Exits with 1 where a loaded file is missing, an edge is unexplained, or nothing was looked at.
"""

import ast
import collections
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import typing

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE = int(os.environ.get("SAMPLE", 20))
# More configuration, for a test that plants a defect.
PLANTED = os.environ.get("PLANTED", "")
SUITE_SECONDS = 600
FILE_SECONDS = 300

TOOLS = ["grimp==3.20", "pytest==9.0.2"]


class Package(typing.NamedTuple):
    name: str
    version: str
    # Where its modules lie, and the name of the package there.
    root: str
    module: str
    tests: tuple = ("tests",)
    # What pytest is given for the whole suite, where that is too long to run.
    suite: tuple = ()
    needs: tuple = ()
    # What a user of qik would have to configure: roots of imports where they are not the root above
    # and the top, and what Python code names in strings alone.
    roots: tuple = ()
    config: str = ""
    # Modules and test files for another system, another Python or another program.
    elsewhere: tuple = ()
    # Files that are opened and not executed.
    read: tuple = ()
    # Tests that need something which is not there.
    deselect: tuple = ()


def links(targets):
    lines = (f'"{module}" = {json.dumps(names)}\n' for module, names in targets.items())
    plugin = '[plugins.pygraph]\npyimport = "qik.pygraph"\n'
    return f"{plugin}[plugins.pygraph.links.add]\n{''.join(lines)}"


PACKAGES = [
    Package(
        "flask",
        "3.1.3",
        "src",
        "flask",
        # Its `conftest.py` puts this folder in `sys.path`; `test_cli.py` names applications in strings.
        roots=("src", ".", "tests/test_apps"),
        config=links({"tests.test_cli": ["cliapp", "helloworld"]}),
    ),
    Package("click", "8.5.1", "src", "click", elsewhere=("click._winconsole",)),
    Package(
        "jinja2",
        "3.1.6",
        "src",
        "jinja2",
        needs=("trio==0.35.0",),
        # `PackageLoader("res")`
        config=links({"tests.conftest": ["tests.res"]}),
    ),
    Package("attrs", "26.1.0", "src", "attr", needs=("hypothesis==6.170.17", "cloudpickle==3.1.3")),
    Package(
        "werkzeug",
        "3.1.9",
        "src",
        "werkzeug",
        needs=(
            "cryptography==50.0.2",
            "ephemeral-port-reserve==1.1.4",
            "pytest-timeout==2.4.0",
            "pytest-xprocess==1.0.2",
            "watchdog==7.1.0",
        ),
        deselect=("-m", "not dev_server"),
    ),
    Package(
        "starlette",
        "1.10.0",
        "",
        "starlette",
        needs=(
            "httpx2==2.16.2",
            "itsdangerous==2.2.0",
            "opentelemetry-sdk==1.45.2",
            "python-multipart==0.0.34",
            "pyyaml==6.0.4",
        ),
    ),
    Package(
        "networkx",
        "3.6.1",
        "",
        "networkx",
        tests=("networkx",),
        suite=("networkx/classes", "networkx/utils"),
        needs=("numpy==2.4.6",),
    ),
    Package(
        "pygments",
        "2.21.0",
        "",
        "pygments",
        # pytest itself imports these; the command line gets paths of files to execute.
        config=links(
            {
                "tests.conftest": ["pygments.formatters", "pygments.lexers"],
                "tests.test_cmdline": ["tests.support"],
            }
        ),
        needs=("wcag-contrast-ratio==0.9",),
    ),
    Package(
        "requests",
        "2.34.2",
        "src",
        "requests",
        # pytest looks whether this is a script to install it, before it looks for doctests in it.
        read=("setup.py",),
        needs=("pytest-httpbin==2.1.0", "pytest-mock==3.17.0", "pysocks==1.7.1", "trustme==1.2.1"),
    ),
    Package(
        "sqlalchemy",
        "2.1.9",
        "lib",
        "sqlalchemy",
        tests=("test",),
        suite=("test/base", "test/engine"),
        elsewhere=("sqlalchemy.testing.plugin.bootstrap", "test/orm/test_tstring_py314.py"),
        # `setup.cfg` names it.
        config=links({"test.conftest": ["test.requirements"]}),
    ),
    # Against grimp alone: their tests take longer, or a runner of their own.
    Package("trio", "0.35.0", "src", "trio", tests=()),
    Package("django", "5.2.8", "", "django", tests=()),
]


# Those whose wheels hold their tests.
INSTALLED = [
    Package("toolz", "", "", "toolz", tests=("toolz",)),
    Package(
        "simplejson",
        "",
        "",
        "simplejson",
        tests=("simplejson",),
        elsewhere=("simplejson.ordered_dict",),
    ),
]


def main():
    qik = pathlib.Path(os.environ.get("QIK", HERE.parent / "target/release/qik")).resolve()
    rows, compared, failures = [], [], 0
    for package, python, tree in chosen(sys.argv[1:]):
        run = Run(qik, python, tree, package)
        if package.tests:
            rows.append(run.against_reality())
        compared.append((package, run.against_grimp()))
        failures += len(run.failures)
        for failure in run.failures:
            print(f"FAILED: {package.name}: {failure}", file=sys.stderr, flush=True)
        print(f"{package.name} is done", file=sys.stderr, flush=True)
    print_reality(rows)
    print_grimp(compared)
    print(f"\n{len(rows)} packages, {failures} failures")
    sys.exit(1 if failures or not rows else 0)


def chosen(arguments):
    """The packages with the Python for them and their trees, one after the other."""
    names = [name for name in arguments if name != "--installed"]
    if names != arguments:
        with tempfile.TemporaryDirectory() as folder:
            for package in INSTALLED:
                if names and package.name not in names:
                    continue
                tree = pathlib.Path(folder).resolve() / package.name
                module = importlib.util.find_spec(package.module)
                no_caches = shutil.ignore_patterns("__pycache__")
                shutil.copytree(
                    pathlib.Path(module.origin).parent, tree / package.module, ignore=no_caches
                )
                version = importlib.metadata.version(package.name)
                yield package._replace(version=version), pathlib.Path(sys.executable), tree
        return
    caches = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    cache = pathlib.Path(os.environ.get("CACHE", pathlib.Path(caches) / "qik-reality")).resolve()
    python = environment(cache)
    for package in PACKAGES:
        if not names or package.name in names:
            yield package, python, unpack(cache, python, package)


def environment(cache):
    """A Python with everything that the packages and their tests need; the path of its binary."""
    wanted = list(TOOLS)
    for package in PACKAGES:
        wanted += [f"{package.name}=={package.version}", *package.needs]
    folder, python = cache / "venv", cache / "venv/bin/python"
    note = folder / "wanted"
    if not note.exists() or note.read_text() != " ".join(wanted):
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
        note.write_text(" ".join(wanted))
    return python


def unpack(cache, python, package):
    """The sources of a package, as they were released; their folder."""
    name = f"{package.name}-{package.version}"
    archive = cache / f"{name}.tar.gz"
    if not archive.exists():
        download = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", cache]
        download += ["--no-binary", package.name, f"{package.name}=={package.version}"]
        subprocess.run(download, check=True)
    tree = cache / "trees" / name
    shutil.rmtree(tree, ignore_errors=True)
    with tarfile.open(archive) as sources:
        sources.extractall(tree.parent, filter="data")
    return tree


class Run:
    """Everything that is asked about one package."""

    def __init__(self, qik, python, tree, package):
        self.qik, self.python, self.tree, self.package = qik, python, tree, package
        self.known = {path.relative_to(tree).as_posix() for path in tree.rglob("*.py*")}
        self.failures = []
        self.ratios = []

    def against_reality(self):
        """Looks at imports, at test files and at the whole suite; a row of the table."""
        package = self.package
        usual = [package.root, "."] if package.root else ["."]
        self.configure(package.roots or usual, package.config)
        modules = [self.module_of(path) for path in sampled(self.sources())]
        modules = [module for module in modules if module not in package.elsewhere]
        for module in modules:
            self.check(module, module, ["-c", f"import {module}"], FILE_SECONDS)
        imports, self.ratios = self.ratios, []
        tests = [test for test in sampled(self.test_files()) if test not in package.elsewhere]
        for test in tests:
            self.check(test, test, [*PYTEST, *package.deselect, test], FILE_SECONDS)
        files, self.ratios = self.ratios, []
        names = [test.replace("/", ".") for test in package.tests]
        suite = [*PYTEST, *package.deselect, *(package.suite or package.tests)]
        in_suite = self.check("the suite", " ".join(names), suite, SUITE_SECONDS)
        return (package.name, package.version, imports, files, in_suite, self.ratios)

    def configure(self, roots, more=""):
        roots = ", ".join(f'"{root}"' for root in roots)
        (self.tree / "qik.toml").write_text(f"[defaults]\npython-path = [{roots}]\n{more}{PLANTED}")

    def sources(self):
        """The package's own modules but its `__init__`s: a package's closure is all that is in it."""
        below = pathlib.PurePosixPath(self.package.root) / self.package.module
        sources = [path for path in self.known if path.startswith(f"{below}/")]
        wanted = (path for path in sources if path.endswith(".py") and not self.is_test(path))
        return sorted(path for path in wanted if not path.endswith(("__init__.py", "__main__.py")))

    def test_files(self):
        tests = (path for path in self.known if self.is_test(path))
        tests = (path for path in tests if path.startswith(tuple(f"{t}/" for t in self.package.tests)))
        return sorted(path for path in tests if pathlib.PurePosixPath(path).name.startswith("test_"))

    def is_test(self, path):
        parts = pathlib.PurePosixPath(path).parts
        return path.endswith(".py") and any(part in ("test", "tests", "conftest.py") for part in parts)

    def module_of(self, path):
        inner = pathlib.PurePosixPath(path).relative_to(self.package.root or ".").with_suffix("")
        return ".".join(inner.parts).removesuffix(".__init__")

    def check(self, title, asked, arguments, seconds):
        """Runs Python, and asks qik what the module or file needs. How many files were loaded."""
        executed, opened, verdict = self.record(arguments, seconds)
        if verdict:
            self.failures.append(f"{title}: {verdict}")
        if not executed:
            return 0
        closure = set().union(*(self.closure(one) for one in asked.split()))
        self.ratios.append(len(closure) / len(executed))
        for path in sorted(executed - closure):
            self.failures.append(f"{title} loaded {path}, which is not in its closure")
        for path in sorted(opened - executed - closure - set(self.package.read)):
            self.failures.append(f"{title} opened {path}, which is not in its closure")
        return len(executed)

    def record(self, arguments, seconds):
        """The project's files that Python executed and opened, and what went wrong."""
        note = self.tree / ".loaded"
        note.unlink(missing_ok=True)
        paths = [HERE / "reality_recorder", self.tree / self.package.root]
        world = {name: value for name, value in os.environ.items() if name in ("HOME", "PATH")}
        world |= {
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "RECORDED": str(note),
        }
        command = [self.python, *arguments]
        verdict = None
        try:
            told = subprocess.run(
                command,
                cwd=self.tree,
                env=world,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds,
            )
            # A failure of a test is none of ours; 5: all tests of the file were left out.
            lines = told.stdout.decode(errors="replace").splitlines()
            if told.returncode not in (0, 1, 5) or (told.returncode and arguments[0] == "-c"):
                verdict = f"exit code {told.returncode}: {lines[-1:]}"
            elif os.environ.get("VERBOSE"):
                print(arguments, lines[-1:], file=sys.stderr)
        except subprocess.TimeoutExpired:
            verdict = f"not ready in {seconds} s"
        found = {"executed": set(), "opened": set()}
        for line in note.read_text(errors="replace").splitlines() if note.exists() else ():
            kind, _, path = line.partition(" ")
            relative = os.path.relpath(path, self.tree)
            if relative in self.known:
                found[kind].add(relative)
        return found["executed"], found["opened"], verdict

    def closure(self, name):
        part = self.ask("graph", "deps", name, "--format", "json")
        return {file["path"] for file in part["files"]} if part else set()

    def ask(self, *arguments):
        told = subprocess.run([self.qik, *arguments], cwd=self.tree, capture_output=True, text=True)
        if told.returncode:
            self.failures.append(f"qik {' '.join(arguments)}: {told.stderr.strip()}")
            return None
        return json.loads(told.stdout)

    def against_grimp(self):
        """How many edges are equal, and how many differ in which way."""
        self.configure([self.package.root or "."])
        script = [self.python, HERE / "reality_recorder/grimp_edges.py", self.package.module]
        told = subprocess.run(
            script, cwd=self.tree / self.package.root, capture_output=True, text=True, check=True
        )
        grimp = json.loads(told.stdout)
        return Comparison(self, grimp).classes()


class Comparison:
    """The edges of qik and grimp, and why they differ."""

    def __init__(self, run, grimp):
        self.run = run
        self.modules = set(grimp["modules"])
        self.theirs = {tuple(edge) for edge in grimp["edges"]}
        # Each edge of qik with a place where it is written.
        self.ours = {}
        top = run.package.module
        for one in run.ask("graph", "build", "--format", "json"):
            inside = one["module"] == top or one["module"].startswith(f"{top}.")
            path = pathlib.PurePosixPath(one["file"])
            if not one["internal"] or not inside or not path.is_relative_to(run.package.root or "."):
                continue
            importer = run.module_of(path)
            if importer == top or importer.startswith(f"{top}."):
                places = self.ours.setdefault((importer, one["module"]), [])
                places.append((one["file"], one["line"]))

    def classes(self):
        counts = collections.Counter()
        counts["equal"] = len(self.theirs & self.ours.keys())
        for edge in sorted(self.theirs ^ self.ours.keys()):
            kind = self.only_ours(*edge) if edge in self.ours else self.only_theirs(*edge)
            counts[kind or "unexplained"] += 1
            if kind is None:
                side = "qik" if edge in self.ours else "grimp"
                self.run.failures.append(f"only {side} has {edge}: {self.ours.get(edge)}")
        return counts

    def only_ours(self, importer, imported):
        """The class that an edge of qik alone falls in."""
        places = self.ours[importer, imported]
        if all(path.endswith(".pyi") for path, _ in places):
            return "in a stub"
        for module in (importer, imported):
            if module not in self.modules and self.lacks_init(module):
                return "a folder without `__init__.py`"
        if self.is_compiled(imported):
            return COMPILED
        if all(self.calls_loader(*place) for place in places):
            return "`import_module` or `__import__`"
        return None

    def only_theirs(self, importer, imported):
        """The class that an edge of grimp alone falls in: `from a import _b` means a compiled `a._b`
        for qik, and for grimp, which knows no such module, `a`."""
        ours = (theirs for own, theirs in self.ours if own == importer)
        below = (theirs for theirs in ours if theirs.rpartition(".")[0] == imported)
        return COMPILED if any(map(self.is_compiled, below)) else None

    def is_compiled(self, module):
        path = self.run.tree / self.run.package.root / module.replace(".", "/")
        return any(path.parent.glob(f"{path.name}.*so"))

    def lacks_init(self, module):
        """Whether a package that the module lies in, or the module itself, is a mere folder."""
        folder = self.run.tree / self.run.package.root
        for name in module.split("."):
            folder /= name
            if folder.is_dir() and not (folder / "__init__.py").exists():
                return True
        return False

    def calls_loader(self, path, line):
        """Whether the line calls what imports by a string, and holds no import statement."""
        nodes = list(ast.walk(ast.parse((self.run.tree / path).read_bytes())))
        there = [node for node in nodes if getattr(node, "lineno", None) == line]
        calls = (ast.unparse(node.func) for node in there if isinstance(node, ast.Call))
        statement = any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in there)
        return not statement and any(call.endswith(("import_module", "__import__")) for call in calls)


COMPILED = "a compiled module"
CLASSES = [
    "in a stub",
    "a folder without `__init__.py`",
    "`import_module` or `__import__`",
    COMPILED,
]

PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]


def sampled(items):
    step = max(1, len(items) // SAMPLE)
    return items[::step][:SAMPLE]


def median(ratios):
    return f"{statistics.median(ratios):.2f}" if ratios else "-"


def print_reality(rows):
    heads = ["package", "modules", "closure/loaded", "test files", "closure/loaded", "largest"]
    heads += ["loaded in the suite", "closure/loaded"]
    print(f"| {' | '.join(heads)} |\n|---|{'--:|' * 7}")
    for name, version, imports, files, suite, ratio in rows:
        largest = f"{max(files):.2f}" if files else "-"
        print(
            f"| {name} {version} | {len(imports)} | {median(imports)} | {len(files)} "
            f"| {median(files)} | {largest} | {suite} | {median(ratio)} |"
        )


def print_grimp(compared):
    kinds = ["equal", *CLASSES, "unexplained"]
    print(f"\n| edges | {' | '.join(kinds)} |\n|---|{'--:|' * len(kinds)}")
    total = collections.Counter()
    for package, counts in compared:
        total.update(counts)
        print(f"| {package.name} {package.version} | {' | '.join(str(counts[k]) for k in kinds)} |")
    print(f"| together | {' | '.join(str(total[k]) for k in kinds)} |")


if __name__ == "__main__":
    main()
