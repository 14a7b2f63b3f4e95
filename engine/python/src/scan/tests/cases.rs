//! What is an import and what is not, form by form.

use super::{check, check_error, strings};

#[test]
fn plain_statements() {
    check("", &[]);
    check("import a", &["1:8 a"]);
    check("import a.b.c as d, e\n", &["1:8 a.b.c", "1:20 e"]);
    check("from a.b import c as d, e", &["1:17 a.b:c", "1:25 a.b:e"]);
    check("from a import *\n", &["1:15 a:*"]);
    check("from . import a\nfrom .. import b\n", &["1:15 .:a", "2:16 ..:b"]);
    check("from .a import b\nfrom...c.d import e\n", &["1:16 .a:b", "2:19 ...c.d:e"]);
    check("from .import a\nfrom . .a import b", &["1:14 .:a", "2:18 ..a:b"]);
    check("from __future__ import annotations\n", &["1:24 __future__:annotations"]);
    check("import\ta\t,\tb\n", &["1:8 a", "1:12 b"]);
    check("from a import import_module_\n", &["1:15 a:import_module_"]);
    check("from importer import imports\n", &["1:22 importer:imports"]);
}

#[test]
fn brackets_newlines_and_comments() {
    check("from a import (b)", &["1:16 a:b"]);
    check("from a import (\n    b,  # why\n    c as d,\n    # more\n)\n", &["2:5 a:b", "3:5 a:c"]);
    check("from a import(b as c\n)\nimport d", &["1:15 a:b", "3:8 d"]);
    check("from a import (b, c,)\r\nimport d\r\n", &["1:16 a:b", "1:19 a:c", "2:8 d"]);
    check("x = (1,\n  'import a',\n)\nimport b\n", &["4:8 b"]);
    check("x = [\n]; import b # import c\n# import d\n", &["2:11 b"]);
}

#[test]
fn continuation_lines() {
    check("import \\\n    a\n", &["2:5 a"]);
    check("from a \\\n  import b, \\\n  c\n", &["2:10 a:b", "3:3 a:c"]);
    check("from \\\r\n a import b\r\n", &["2:11 a:b"]);
    check("\\\nimport a\n", &["2:8 a"]);
    check("x = 1\n\\\nimport a\n", &["3:8 a"]);
    check("# no continuation \\\nimport a\n", &["2:8 a"]);
    check("x = 1 + \\\n  2\nimport a\n", &["3:8 a"]);
    check("from a import b as \\\n c\n", &["1:15 a:b"]);
    check("import a. b . \\\n c\n", &["1:8 a.b.c"]);
}

#[test]
fn any_place_of_a_statement() {
    check("x = 1; import a; import b\n", &["1:15 a", "1:25 b"]);
    check("if x: import a\nelse: from b import c\n", &["1:14 a C", "2:21 b:c C"]);
    check("try: import a\nexcept ImportError: import b\n", &["1:13 a C", "2:28 b C"]);
    check("try:\n  import a\nexcept ImportError:\n  a = None\n", &["2:10 a C"]);
    check("def f(x: int = {}):\n\timport a\n\tdef g():\n\t\timport b\n", &["2:9 a C", "4:10 b C"]);
    check(
        "class A:\n    import a\n    async def f(self):\n        from . import b\n",
        &["2:12 a C", "4:23 .:b C"],
    );
    check(
        "with x as y:\n import a\nfor i in y:\n import b\nelse:\n import c\n",
        &["2:9 a C", "4:9 b C", "6:9 c C"],
    );
    check("while x:\n import a\ntry:\n pass\nfinally:\n import b\n", &["2:9 a C", "6:9 b C"]);
    check(
        "match x:\n  case [1]:\n    import a\n  case _:\n    import b\n",
        &["3:12 a C", "5:12 b C"],
    );
    check("@decorated(lambda: 1)\ndef f():\n    import a\n", &["3:12 a C"]);
    check("def f(): import a; return a\n", &["1:17 a C"]);
    check("match = 1\ncase = 2\ntype = 3\nimport a\ntype X = int\n", &["4:8 a"]);
    check("import match, case.type, _\n", &["1:8 match", "1:15 case.type", "1:26 _"]);
}

#[test]
fn a_block_makes_an_import_conditional() {
    for head in
        ["try", "if x", "for x in y", "while x", "with x", "def f()", "class A", "async def f()"]
    {
        check(format!("{head}: import a\nimport b\n"), &[&at(head, 9, "a C"), "2:8 b"]);
        check(
            format!("{head}: import a; import b\n"),
            &[&at(head, 9, "a C"), &at(head, 19, "b C")],
        );
        check(format!("{head}: x = 1; import a\n"), &[&at(head, 16, "a C")]);
        check(
            format!("{head}:\n import a; import b\nimport c\n"),
            &["2:9 a C", "2:19 b C", "3:8 c"],
        );
        check(format!("{head}: \\\nimport a\n"), &["2:8 a C"]);
    }
    check("if x: pass\nelse: y; import a\n", &["2:17 a C"]);
    check("try: pass\nfinally: y; from a import (b)\n", &["2:28 a:b C"]);
    check("if x == 'y': import a; import b\n", &["1:21 a C", "1:31 b C"]);
    check("if f(\nx): y = '''\n'''; import a\nimport b\n", &["3:13 a C", "4:8 b"]);
    check("if x: y = {\n}; import a. b\n", &["2:11 a.b C"]);
    check("if x:\n  if y:\n    pass\n  import a\n", &["4:10 a C"]);
    check("if x:\n  y = '\\\n'; import a\n", &["3:11 a C"]);
    check("if x:\n  import a. b\n", &["2:10 a.b C"]);
    check("if x: \\\n  y; import a\n", &["2:13 a C"]);
    check("try:\n  pass\nfinally:\n  from a \\\nimport b\n", &["5:8 a:b C"]);
}

/// A place on the first line, so many bytes behind `head`.
fn at(head: &str, column: usize, rest: &str) -> String {
    format!("1:{} {rest}", head.len() + column + 1)
}

#[test]
fn the_top_level_is_not_conditional() {
    check("x = 1; import a; from b import c\n", &["1:15 a", "1:32 b:c"]);
    check("import a; import b\n", &["1:8 a", "1:18 b"]);
    check("x = 'if y:'; import a\n", &["1:21 a"]);
    check("x = '''\n if y:'''; import a\n", &["2:19 a"]);
    check("x = (\n  1); import a; import b\n", &["2:14 a", "2:24 b"]);
    check("x = [\n  y if z else w]; import a. b\n", &["2:26 a.b"]);
    check("x = {1: 2}; import a\n", &["1:20 a"]);
    check("x = 1 + \\\n  2; import a\n", &["2:13 a"]);
    check("x = 1; \\\n  import a\n", &["2:10 a"]);
    check("iffy = 1; import a\n", &["1:18 a"]);
    check("lambda: x; import a\n", &["1:19 a"]);
    check("x: int = 1; import a\n", &["1:20 a"]);
    check("  \x0cimport a\n", &["1:11 a"]);
    check("if x: pass\nimport a; import b\n", &["2:8 a", "2:18 b"]);
    check("if x:\n  pass\n# why\nfrom a import (\n  b,\n  größe)\n", &["5:3 a:b", "6:3 a:größe"]);
}

#[test]
fn strings_and_comments_are_no_code() {
    check("'''\nimport a\n'''\nimport b\n", &["4:8 b"]);
    check("\"\"\"it's\nimport a\\\"\"\"\"\nimport b\n", &["3:8 b"]);
    check("x = 'a\\'import b'\ny = r'\\''\nimport c\n", &["3:8 c"]);
    check("x = 'a \\\nimport b'\nimport c\n", &["3:8 c"]);
    check("x = 'a \\\r\nimport b'\r\nimport c\r\n", &["3:8 c"]);
    check("# '''\nimport a # \"\n# '''\nimport b\n", &["2:8 a", "4:8 b"]);
    check("'''a''' '''\nimport b\n''' \"\"\nimport c\n", &["4:8 c"]);
    check("''''\nimport a'''\nimport b\n", &["3:8 b"]);
    check("x = b'\\''; import a\n", &["1:19 a"]);
}

#[test]
fn formatted_strings_nest() {
    check("x = f'{a['b']}'\nimport c\n", &["2:8 c"]);
    check("x = f\"{f\"{\"}\"}\"}\"; import c\n", &["1:27 c"]);
    check("x = f'''{\n'import a' # }\n}'''\nimport c\n", &["4:8 c"]);
    check("x = f'{{import a}} {b!r:>{c}} {d:%H:%M}'\nimport e\n", &["2:8 e"]);
    check("x = f'\\N{DASH} \\'{y}'\nimport a\n", &["2:8 a"]);
    check("x = rf'\\{y}'; z = Rb'{'\nimport a\n", &["2:8 a"]);
    check("x = t'{a[\"b\"]}'\nimport c\n", &["2:8 c"]);
    check("x = f'cannot import {name}'\nimport c\n", &["2:8 c"]);
    check("x = f'{__import__(\"a\").b}'\nimport c\n", &["1:8 a D", "2:8 c"]);
    check("print'{'; import a\n", &["1:18 a"]);
}

#[test]
fn bytes_that_are_not_utf8() {
    check(b"# -*- coding: latin-1 -*-\nx = '\xe9'  # \xe8\nimport a\n", &["3:8 a"]);
    check(b"\xef\xbb\xbfimport a\n", &["1:8 a"]);
    check(b"# coding: shift_jis\nx = '\x83\x5c\x5c'\nimport a\n", &["3:8 a"]);
    check("import größe\n", &["1:8 größe"]);
}

#[test]
fn all_kinds_of_newlines_and_blanks() {
    check("import a\rimport b\r# import c\rimport d\n", &["1:8 a", "2:8 b", "4:8 d"]);
    check("import a\r\n\r\nimport b\r\n", &["1:8 a", "3:8 b"]);
    check("import a\n\x0c\nimport b\n\x0cimport c\n", &["1:8 a", "3:8 b", "4:9 c"]);
    check("if x:\n\timport a\n        import b\n", &["2:9 a C", "3:16 b C"]);
}

#[test]
fn python_2() {
    check("print 'import a'\nimport b\nexec 'import c' in d\n", &["2:8 b"]);
    check("print >>f, x, ; import a\n", &["1:24 a"]);
    check("try:\n  import a\nexcept E, e:\n  import b\n", &["2:10 a C", "4:10 b C"]);
    check("raise E, 'x'\nimport a\nx = 0777L <> u'y'\nimport b\n", &["2:8 a", "4:8 b"]);
}

#[test]
fn blocks_for_type_checkers() {
    let block = "\n    import a\n    from b import c\nimport d\n";
    let expected = ["2:12 a T C", "3:19 b:c T C", "4:8 d"];
    for condition in [
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
        "t . TYPE_CHECKING",
        "(TYPE_CHECKING)",
        "((typing.TYPE_CHECKING))",
        "\\\n TYPE_CHECKING",
        "TYPE_CHECKING and x",
        "not not TYPE_CHECKING",
        "x == ':' and TYPE_CHECKING",
    ] {
        let source = format!("if {condition}:{block}");
        let shift = condition.matches('\n').count();
        let moved = |text: &&str| {
            let (line, rest) = text.split_once(':').unwrap();
            format!("{}:{rest}", line.parse::<usize>().unwrap() + shift)
        };
        let expected: Vec<String> = expected.iter().map(moved).collect();
        check(source, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
    check("if TYPE_CHECKING: import a\nimport b\n", &["1:26 a T C", "2:8 b"]);
    check(
        "if TYPE_CHECKING:  # why\n\n# less\n  import a\n # less\n  import b\n",
        &["4:10 a T C", "6:10 b T C"],
    );
    check("if TYPE_CHECKING:\n  x = (\n1)\n  '''\n'''\n  import a\n", &["6:10 a T C"]);
}

#[test]
fn other_branches_count_always() {
    check("if TYPE_CHECKING:\n  import a\nelse:\n  import b\n", &["2:10 a T C", "4:10 b C"]);
    check(
        "if x:\n  import a\nelif TYPE_CHECKING:\n  import b\nelse:\n  import c\n",
        &["2:10 a C", "4:10 b T C", "6:10 c C"],
    );
    check(
        "if not TYPE_CHECKING:\n  import a\nelif x:\n  import b\nelse:\n  import c\nimport d\n",
        &["2:10 a C", "4:10 b T C", "6:10 c T C", "7:8 d"],
    );
    check("if TYPE_CHECKING or x:\n  import a\nelse:\n  import b\n", &["2:10 a C", "4:10 b C"]);
    check(
        "if not TYPE_CHECKING or x:\n  import a\nelse:\n  import b\n",
        &["2:10 a C", "4:10 b T C"],
    );
    check("if False:\n  import a\n", &["2:10 a C"]);
    check("x = TYPE_CHECKING\nif x:\n  import a\n", &["3:10 a C"]);
}

#[test]
fn type_checking_by_other_names() {
    check(
        "from typing import TYPE_CHECKING as TC\nif TC:\n  import a\n",
        &["1:20 typing:TYPE_CHECKING", "3:10 a T C"],
    );
    check(
        "from typing import TYPE_CHECKING as TC\nif not TC:\n  import a\nelse:\n  import b\n",
        &["1:20 typing:TYPE_CHECKING", "3:10 a C", "5:10 b T C"],
    );
    check("TYPE_CHECKING = False\nif TYPE_CHECKING:\n  import a\n", &["3:10 a T C"]);
    check(
        "def f():\n  if t.TYPE_CHECKING:\n    import a\n  import b\nimport c\n",
        &["3:12 a T C", "4:10 b C", "5:8 c"],
    );
    check(
        "if TYPE_CHECKING:\n  if x:\n    import a\n  def f():\n    import b\nimport c\n",
        &["3:12 a T C", "5:12 b T C", "6:8 c"],
    );
    check(
        "if MY_TYPE_CHECKING:\n  import a\nif TYPE_CHECKING2:\n  import b\n",
        &["2:10 a C", "4:10 b C"],
    );
}

#[test]
fn calls_with_literals_import() {
    check(
        "import importlib\nx = importlib.import_module('a.b')\n",
        &["1:8 importlib", "2:15 a.b D"],
    );
    check("x = [import_module( \"a\" ), __import__('b')]\n", &["1:6 a D", "1:28 b D"]);
    check("import_module('.a', __package__)\n", &["1:1 .a D"]);
    check("import_module('..a', package=__package__)\n", &["1:1 ..a D"]);
    check(
        "import_module('.a', package='x.y')\nimport_module('..a', 'x.y')\n",
        &["1:1 x.y.a D", "2:1 x.a D"],
    );
    check("import_module(\n    name=(\"a.\" \"b\"),\n)\n", &["1:1 a.b D"]);
    check(
        "__import__('a.b', globals(), locals(), ['c', 'd'])\n",
        &["1:1 a.b D", "1:1 a.b:c D", "1:1 a.b:d D"],
    );
    check("__import__('a', fromlist=('b',), level=1)\n", &["1:1 .a D", "1:1 .a:b D"]);
    check("x('import_module(\"a\")')  # __import__('b')\n", &[]);
    check("if TYPE_CHECKING:\n  x = import_module('a')\n", &["2:7 a T D"]);
    let facts = check("import_module('a')(import_module('b'))\n", &["1:1 a D", "1:20 b D"]);
    assert_eq!(facts.whole_package(), None);
}

#[test]
fn computed_names_take_the_whole_package() {
    for source in [
        "import_module(name)",
        "import_module(f'a.{b}')",
        "import_module('.a')",
        "import_module('.a', package=p.__name__)",
        "__import__('a', g, l, names)",
        "__import__(name)",
        "x = map(import_module, names)",
        "x = __path__",
        "for f in listdir(plugins.__path__[0]): pass",
        "def __getattr__(name): pass",
        "if x:\n  pass; \n\n\n\ndef __getattr__(name: str,) -> int: pass",
        "for m in pkgutil.iter_modules(x): pass",
        "for m in walk_packages(x): pass  # pkgutil",
    ] {
        let facts = check(source, &[]);
        assert!(facts.whole_package().is_some(), "{source}");
    }
    check("\n\nfrom pkgutil import (\n walk_packages)\n", &["4:2 pkgutil:walk_packages"]);
    let renamed = "from importlib import import_module as load\nload(name)\n";
    let facts = check(renamed, &["1:23 importlib:import_module"]);
    assert_eq!(facts.whole_package(), Some(1));
}

#[test]
fn what_only_looks_computed_does_not() {
    for source in [
        "def import_module(name): pass",
        "class C:\n  def __getattr__(self, name): pass",
        "x.iter_modules()",
        "__path__ = extend_path(__path__, __name__)",
        "'__path__'  # import_module(x)",
        "x = my__path__ + __path__y",
    ] {
        assert_eq!(check(source, &[]).whole_package(), None, "{source}");
    }
}

#[test]
fn the_pragma_drops_an_import() {
    check("import a  # qik: ignore-import\nimport b\n", &["2:8 b"]);
    check("from a import (  # qik: ignore-import\n  b,\n  c,\n)\n", &[]);
    check("from a import (\n  b,  # tests only, qik: ignore-import\n  c,\n)\n", &["3:3 a:c"]);
    check("'# qik: ignore-import'\nimport a\n", &["2:8 a"]);
    let facts = check("import_module(x)  # qik: ignore-import\n", &[]);
    assert_eq!(facts.whole_package(), None);
}

#[test]
fn plugins_of_pytest() {
    let facts = check("x = 1\npytest_plugins = ['a.b', 'c',\n  \"d\"]\n", &[]);
    assert_eq!(
        strings(facts.plugins()),
        [("a.b".to_string(), 2), ("c".to_string(), 2), ("d".to_string(), 3),]
    );
    let one = check("pytest_plugins: str = 'a'; pytest_plugins += ('b',)\n", &[]);
    assert_eq!(strings(one.plugins()), [("a".to_string(), 1), ("b".to_string(), 1)]);
    check("f(pytest_plugins='a')\nx.pytest_plugins = 'b'\npytest_plugins == 'c'\n", &[]);
}

#[test]
fn dotted_strings_of_settings() {
    let source = "INSTALLED_APPS = [\n  'polls',\n  'django.contrib.admin',  # 'a.b'\n  *[u'x.y']\n]\n\
                  MIDDLEWARE: list[str] = ['a.b.C', 'word', 'not a.name', f'a.{b}', '1.2', b'b.c']\n\
                  lower = 'c.d'\nROOT_URLCONF = 'e.f'; x = 'g.h'\nX == 'i.j'\nY += (\n'k.l')\n";
    let found = strings(check(source, &[]).dotted_strings());
    let found: Vec<_> = found.iter().map(|(text, line)| format!("{line} {text}")).collect();
    assert_eq!(
        found,
        ["2 polls", "3 django.contrib.admin", "4 x.y", "6 a.b.C", "8 e.f", "11 k.l",]
    );
}

#[test]
fn errors_that_may_hide_imports() {
    check_error("import a\nx = (\nimport b\n", 2, 5, "never closed");
    check_error("import a\nx = [1,\n", 2, 5, "never closed");
    check_error("x = 1)\nimport b\n", 1, 6, "closes none");
    check_error("x = 'abc\nimport b\n", 1, 5, "never closed");
    check_error("x = 1\n'''abc\nimport b\n", 2, 1, "never closed");
    check_error("import a.\n", 1, 1, "cannot be read");
    check_error("from a import (b c)\n", 1, 1, "cannot be read");
    check_error("from . import\n", 1, 1, "cannot be read");
    check_error("x = import a\n", 1, 5, "cannot be read");
    check_error("import a\n\0\n", 2, 1, "NUL");
    check("def f(:\n  pass\nimport a\n", &["3:8 a"]);
}
