"""Definitions: what one source file defines at its top level, and what each definition refers to.

`read_source` gives a `Source`: small, made of texts and lists, so that it can be kept as JSON. What cannot change what
the code does is left out: comments, layout, docstrings, import lines, the names that imports give, the annotations of
functions and variables (those in the body of a class count: dataclasses read them), what is logged, the texts of the
errors that are raised, and what the reasons for a drop mean (the values of a mapping whose name ends in REASONS).

A reference is a dotted name that starts with our package, such as "megascience.storage.files.write_json", or `RUN` and
the name of a module that is started as a program of its own. Where a file imports a name from one place or another
(`try: … except ImportError: …`), the reference holds both, with `OR` between them.
"""

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

PACKAGE = "megascience"

#: Begins the reference to a module that is started as a program: `-m PACKAGE.module` or a file beside `__file__`.
RUN = "run "

#: Between the places that a name may come from.
OR = " or "

_MODULE_NAME = re.compile(rf"{PACKAGE}(?:\.[A-Za-z_]\w*)+")
_LOGGERS = ("log", "logger")
_LEVELS = ("debug", "info", "warning", "error", "exception", "critical", "log")
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Part(NamedTuple):
    """A function, a class, an assignment or another statement at the top level of a file.

    Attributes:
        digest: of its code, in which each reference to ours is a number.
        refers: the references, by number.
        asks: the attributes that it takes of something that is not known before it runs.
    """

    digest: str
    refers: tuple[str, ...]
    asks: tuple[str, ...]


class Source(NamedTuple):
    """What a file says at its top level.

    Attributes:
        definitions: name → the statements that define it.
        assigned: the names of `definitions` that assignments make, in order.
        loose: the other statements, which run when the file is loaded.
        program: the statements that run only where the file is started as a program.
        imports: name → the reference that an import binds it to.
    """

    definitions: dict[str, tuple[Part, ...]]
    assigned: tuple[str, ...]
    loose: tuple[Part, ...]
    program: tuple[Part, ...]
    imports: dict[str, str]

    def dump(self) -> str:
        """Return it as a text, for `load`."""
        return json.dumps(self, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> "Source":
        """Return what `dump` made a text of."""
        definitions, assigned, loose, program, imports = json.loads(text)

        def parts(rows: list[list[Any]]) -> tuple[Part, ...]:
            return tuple(Part(digest, tuple(refers), tuple(asks)) for digest, refers, asks in rows)

        named = {name: parts(rows) for name, rows in definitions.items()}
        return cls(named, tuple(assigned), parts(loose), parts(program), imports)


def read_source(text: bytes, module: str, package: bool = False) -> Source:
    """Return what a file says.

    Args:
        text: the file's bytes.
        module: its dotted name, our package's included.
        package: whether it is the `__init__` of a package.

    Raises:
        ValueError: the file imports everything of a module of ours (`*`), so that nobody can say what it uses.
        SyntaxError: it is not Python.
    """
    body = [statement for statement in ast.parse(text, filename=module).body if not _is_for_types(statement)]
    home = module if package else module.rpartition(".")[0]
    imports = _imports(_within(body), home)
    defined: dict[str, list[ast.stmt]] = {}
    assigned: dict[str, None] = {}
    loose: list[ast.stmt] = []
    program: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom) or _is_text(statement):
            continue
        if isinstance(statement, _FUNCTIONS | ast.ClassDef):
            defined.setdefault(statement.name, []).append(statement)
        elif names := _assigned(statement):
            for name in names:
                defined.setdefault(name, []).append(statement)
                assigned[name] = None
        else:
            (program if _is_for_program(statement) else loose).append(statement)
    own = {*defined, *_bound(loose)} - set(imports)
    known = {**imports, **{name: f"{module}.{name}" for name in own}}
    read: dict[int, Part] = {}

    def parts(statements: Iterable[ast.stmt]) -> tuple[Part, ...]:
        # One statement may define several names; the reader changes it, so that it is read once.
        for statement in statements:
            if id(statement) not in read:
                read[id(statement)] = _Reader(known, home, module).read(statement)
        return tuple(read[id(statement)] for statement in statements)

    return Source(
        {name: parts(statements) for name, statements in defined.items()},
        tuple(assigned),
        parts(loose),
        parts(program),
        {name: target for name, target in imports.items() if _is_ours(target)},
    )


class _Reader(ast.NodeTransformer):
    """Takes out of one statement what does not count, and puts numbers in the place of references to ours."""

    def __init__(self, known: dict[str, str], home: str, module: str) -> None:
        self.known = known
        self.home = home
        self.module = module
        # Innermost last: whether it is a class, and name → what an import binds it to, None for any other local name.
        self.scopes: list[tuple[bool, dict[str, str | None]]] = []
        self.refers: dict[str, int] = {}
        self.asks: dict[str, None] = {}
        self.beside_file = False

    def read(self, statement: ast.stmt) -> Part:
        self.beside_file = any(isinstance(node, ast.Name) and node.id == "__file__" for node in ast.walk(statement))
        dumped = ast.dump(self.visit(statement) or ast.Pass())
        return Part(hashlib.sha256(dumped.encode()).hexdigest()[:24], tuple(self.refers), tuple(self.asks))

    # --- names

    def _find(self, name: str) -> str | None:
        """Return the dotted name of what is not local, None for a local name and for what Python brings."""
        for _, names in reversed(self.scopes):
            if name in names:
                return names[name]
        return self.known.get(name)

    def _reference(self, target: str, at: ast.expr) -> ast.expr:
        number = self.refers.setdefault(target, len(self.refers))
        return ast.copy_location(ast.Constant(f"§{number}"), at)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        binds_here = not isinstance(node.ctx, ast.Load) and (not self.scopes or self.scopes[-1][0])
        target = None if binds_here else self._find(node.id)
        if target is None:
            return node
        return self._reference(target, node) if _is_ours(target) else ast.Name(target, node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        names: list[str] = []
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            names.insert(0, root.attr)
            root = root.value
        target = self._find(root.id) if isinstance(root, ast.Name) else None
        if target is None:
            self.asks[node.attr] = None
            self.generic_visit(node)
            return node
        if not _is_ours(target):
            return ast.Name(extend(target, names), node.ctx)
        return self._reference(extend(target, names), node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        named = isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr")
        if named and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            self.asks[str(node.args[1].value)] = None
        self.generic_visit(node)
        return node

    def visit_List(self, node: ast.List) -> ast.expr:
        """A command that holds `__file__` starts this very file."""
        if any(isinstance(item, ast.Name) and item.id == "__file__" for item in node.elts):
            self.refers.setdefault(RUN + self.module, len(self.refers))
        self.generic_visit(node)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, str):
            return node
        if _MODULE_NAME.fullmatch(node.value):
            return self._reference(RUN + node.value, node)
        if self.beside_file and re.fullmatch(r"\w+\.py", node.value):
            return self._reference(f"{RUN}{self.home}.{node.value.removesuffix('.py')}", node)
        return node

    # --- scopes

    def _inside(self, names: dict[str, str | None], nodes: Sequence[Any], is_class: bool = False) -> list[Any]:
        """Read nodes in a scope of their own; what surrounds it is seen, but for the names in a class."""
        outer = self.scopes
        visible = [scope for scope in outer if not scope[0]]
        self.scopes = [*visible, (is_class, names)]
        read = [self.visit(node) for node in nodes]
        self.scopes = outer
        return [node for node in read if node is not None]

    def _local(self, body: Sequence[ast.stmt]) -> dict[str, str | None]:
        """Return the names that a body binds, with what imports bind them to; those of `global` lead outside."""
        nodes = list(_within(body))
        names: dict[str, str | None] = dict.fromkeys(_bound(body))
        names.update(_imports(nodes, self.home))
        for node in nodes:
            if isinstance(node, ast.Global):
                names.update({name: self.known.get(name) for name in node.names})
            elif isinstance(node, ast.Nonlocal):
                for name in node.names:
                    names.pop(name, None)
        return names

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.returns = None
        names = self._arguments(node.args)
        node.body = self._inside({**names, **self._local(node.body)}, _without_docstring(node.body))
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        names = self._arguments(node.args)
        (node.body,) = self._inside(names, [node.body])
        return node

    def _arguments(self, arguments: ast.arguments) -> dict[str, str | None]:
        """Read the defaults, take the annotations off, and return the arguments' names."""
        everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        everything += [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
        for argument in everything:
            argument.annotation = None
        arguments.defaults = [self.visit(default) for default in arguments.defaults]
        arguments.kw_defaults = [default and self.visit(default) for default in arguments.kw_defaults]
        return dict.fromkeys(argument.arg for argument in everything)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        for field in ("decorator_list", "bases", "keywords"):
            setattr(node, field, [self.visit(item) for item in getattr(node, field)])
        names = self._local(node.body)
        # In the body of a class a name that is not bound yet is the one outside (`field = field()`).
        outside = {name: self._find(name) for name, target in names.items() if target is None}
        bound = {**names, **{name: target for name, target in outside.items() if target}}
        node.body = self._inside(bound, _without_docstring(node.body), is_class=True)
        return node

    def _comprehension(self, node: Any) -> ast.expr:
        first = node.generators[0]
        first.iter = self.visit(first.iter)  # read outside, as Python does
        names = dict.fromkeys(
            name.id
            for generator in node.generators
            for name in ast.walk(generator.target)
            if isinstance(name, ast.Name)
        )
        rest = [first.target, *first.ifs, *node.generators[1:]]
        read = self._inside(names, rest)
        count = 1 + len(first.ifs)
        first.target, first.ifs = read[0], read[1:count]
        node.generators[1:] = read[count:]
        for field in ("key", "value", "elt"):
            if hasattr(node, field):
                setattr(node, field, self._inside(names, [getattr(node, field)])[0])
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    # --- what does not count

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        return None

    visit_ImportFrom = visit_Import

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        if self.scopes and self.scopes[-1][0]:
            self.generic_visit(node)
            return node
        if node.value is None:
            return None
        return self.visit(ast.Assign([node.target], node.value))

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
        if name.endswith("REASONS") and isinstance(node.value, ast.Dict):
            values = zip(node.value.keys, node.value.values, strict=True)
            node.value.values = [value if key is None else _Mute().visit(value) for key, value in values]
        self.generic_visit(node)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | None:
        called = node.value.func if isinstance(node.value, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in _LEVELS:
            if isinstance(called.value, ast.Name) and called.value.id in _LOGGERS:
                return None
        if _is_text(node):
            return None
        self.generic_visit(node)
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        if isinstance(node.exc, ast.Call):
            node.exc.args = [_Mute().visit(argument) for argument in node.exc.args]
        self.generic_visit(node)
        return node


class _Mute(ast.NodeTransformer):
    """Empties texts."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        return ast.Constant("")


def extend(reference: str, names: Sequence[str]) -> str:
    """Return the reference to an attribute of what a reference means, or to an attribute of that, and so on."""
    return OR.join(".".join([place, *names]) for place in reference.split(OR))


def _is_ours(target: str) -> bool:
    return any(place == PACKAGE or place.startswith(PACKAGE + ".") for place in target.split(OR))


def _is_text(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_for_types(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _is_for_program(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    return body[1:] if body and _is_text(body[0]) else body


def _assigned(statement: ast.stmt) -> list[str]:
    """Return the names that an assignment binds, none where it changes something that has no name of its own."""
    if isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets: list[ast.expr] = [statement.target]
    elif isinstance(statement, ast.Assign):
        targets = list(statement.targets)
    else:
        return []
    leaves: list[ast.expr] = []
    while targets:
        target = targets.pop()
        if isinstance(target, ast.Tuple | ast.List):
            targets += target.elts
        else:
            leaves.append(target.value if isinstance(target, ast.Starred) else target)
    names = [leaf.id for leaf in leaves if isinstance(leaf, ast.Name)]
    return names if len(names) == len(leaves) else []


def _within(body: Sequence[ast.AST]) -> Iterable[ast.AST]:
    """Yield the nodes of a body that belong to its own scope; of functions and classes in it their heads alone."""
    todo = list(body)
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, _FUNCTIONS | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, _COMPREHENSIONS):
            todo += [inner for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)]
        else:
            todo += ast.iter_child_nodes(node)


def _bound(body: Sequence[ast.AST]) -> list[str]:
    """Return the names that a body binds in its own scope, sorted."""
    names: set[str] = set()
    for node in _within(body):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, _FUNCTIONS | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
    return sorted(names)


def _imports(nodes: Iterable[ast.AST], home: str) -> dict[str, str]:
    """Return what each import among the nodes binds: name → dotted name, of ours and of others."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole, top = alias.name, alias.name.split(".")[0]
                found.setdefault(alias.asname or top, []).append(whole if alias.asname else top)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, home)
            for alias in node.names:
                if alias.name == "*" and _is_ours(base):
                    raise ValueError(f"{home}: `from {base} import *` hides what is used; name it")
                found.setdefault(alias.asname or alias.name, []).append(f"{base}.{alias.name}")
    return {name: OR.join(sorted(set(places))) for name, places in found.items()}


def _base(node: ast.ImportFrom, home: str) -> str:
    """Return the dotted name that a `from … import` starts from."""
    if not node.level:
        return node.module or ""
    parts = home.split(".")
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join([*parts, *([node.module] if node.module else [])])
