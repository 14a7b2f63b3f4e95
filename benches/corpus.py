"""What CPython says of the corpus: unpacks wheels, and lists imports as `ast` has them.

    python3 corpus.py unpack WHEEL FOLDER      the .py and .pyi files of a wheel
    python3 corpus.py imports < PATHS          a line for each: `error`, or its imports
    python3 corpus.py stdlib                   the folder of the standard library

An import is `line:column:level:module:name:TC`, name empty for `import a.b`, T where only a type
checker comes, C where it is no statement at the file's top level; imports are separated by blanks.
"""

import ast
import sys
import sysconfig
import warnings
import zipfile


def truth(node, aliases):
    """Which branch only a type checker takes: (then, otherwise)."""
    if isinstance(node, ast.Name):
        return node.id == "TYPE_CHECKING" or node.id in aliases, False
    if isinstance(node, ast.Attribute):
        return node.attr == "TYPE_CHECKING", False
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        then, otherwise = truth(node.operand, aliases)
        return otherwise, then
    if isinstance(node, ast.BoolOp):
        sides = [truth(value, aliases) for value in node.values]
        then, otherwise = [side[0] for side in sides], [side[1] for side in sides]
        if isinstance(node.op, ast.And):
            return any(then), all(otherwise)
        return all(then), any(otherwise)
    return False, False


def walk(body, checking, conditional, aliases, found):
    flags = ("T" if checking else "") + ("C" if conditional else "")
    for node in body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.append((alias.lineno, alias.col_offset + 1, 0, alias.name, "", flags))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = node.module or ""
                found.append((alias.lineno, alias.col_offset + 1, node.level, module, alias.name, flags))
                if alias.name == "TYPE_CHECKING" and alias.asname:
                    aliases.add(alias.asname)
        elif isinstance(node, ast.If):
            then, otherwise = truth(node.test, aliases)
            walk(node.body, checking or then, True, aliases, found)
            walk(node.orelse, checking or otherwise, True, aliases, found)
        else:
            for name in ("body", "handlers", "orelse", "finalbody", "cases"):
                inner = getattr(node, name, None)
                if isinstance(inner, list):
                    walk(inner, checking, True, aliases, found)


def imports(path):
    with open(path, "rb") as file:
        source = file.read()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "error"
    found = []
    walk(tree.body, False, False, set(), found)
    found.sort()
    return " ".join(
        f"{line}:{column}:{level}:{module}:{name}:{flags}"
        for line, column, level, module, name, flags in found
    )


def main():
    warnings.simplefilter("ignore")
    if sys.argv[1] == "unpack":
        with zipfile.ZipFile(sys.argv[2]) as wheel:
            wanted = [name for name in wheel.namelist() if name.endswith((".py", ".pyi"))]
            wheel.extractall(sys.argv[3], wanted)
    elif sys.argv[1] == "stdlib":
        print(sysconfig.get_path("stdlib"))
    else:
        for line in sys.stdin:
            print(imports(line.rstrip("\n")))


main()
