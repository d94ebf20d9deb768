"""YAML text to plain data, with the place of everything in it; the only home of yaml.

libyaml composes a tree of nodes, which is most of what a large manifest takes up in memory. It goes
once the data is taken from it, and is composed again when a fault needs a place. What a scalar
means is decided by the field that reads it (`scalars`): YAML 1.1's resolver is switched off. Bounds
on depth, number and expansion are checked here, because a manifest may come from a stranger:
libyaml's composer recurses in C, where 100,000 levels end the process.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from assetgen.core.value import Value
from assetgen.errors import Location
from assetgen.manifest.faults import shown
from assetgen.manifest.scalars import Data, Plain
from assetgen.manifest.source import SourceText, decode

if TYPE_CHECKING:
    from assetgen.manifest.faults import Faults

Path = tuple[str | int, ...]
"""The way from the top of a document to a value: keys, and indices from 0."""

MOST_NODES = 2_000_000
"""About 0.3 kB each; 10,000 assets have 200,000."""
MOST_LEVELS = 100
_TOO_DEEP = f"nested more than {MOST_LEVELS} levels deep"
MOST_ALIASED_NODES = 100_000
"""Nodes that aliases may add to those written out."""

_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""What only an escape in double quotes can write: it would reach terminals and requests."""
_RESOLVED = "resolved"
_HINTS = {
    "cannot start any token": "put quotes around a text that starts with a special character",
    "mapping values are not allowed": "put quotes around a text that holds `: `",
    "undefined alias": "put quotes around a text that starts with `*`",
    "duplicate anchor": "give each anchor its own name",
    "another document": "a manifest is one document: remove the line `---`",
}
"""What to do about an error of the YAML library, by words of its message."""
_Loader: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _BoundError(yaml.MarkedYAMLError):
    """YAML, but more of it than is sane."""


class _Composer(_Loader):  # type: ignore[misc, valid-type]  # one of two bases, by installation
    """The loader with its resolver replaced by bounds: it is asked once for every node."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.nodes = 0
        self._level = 0

    def descend_resolver(self, parent: yaml.Node | None, index: object) -> None:  # noqa: ARG002 - PyYAML's signature
        self.nodes += 1
        self._level += 1
        if parent is None:
            return
        if self._level > MOST_LEVELS:
            problem = _TOO_DEEP
            raise _BoundError(problem=problem, problem_mark=parent.start_mark)
        if self.nodes > MOST_NODES:
            problem = f"more than {MOST_NODES:,} values in one file"
            raise _BoundError(problem=problem, problem_mark=parent.start_mark)

    def ascend_resolver(self) -> None:
        self._level -= 1

    def resolve(self, kind: object, value: object, implicit: object) -> str:  # noqa: ARG002 - PyYAML's signature
        return _RESOLVED


_KeyPlace = tuple[int, int, int]
"""Line and column from 0, and length; no length for a key on several lines."""
_NO_PLACE = (0, 0, 0)
_LEVELS_NOTED = 2
"""A section and a name."""


class _Found(Value):
    """Where a walk along a path ended."""

    path: Path
    """As far as it goes."""
    key: yaml.Node | None
    value: yaml.Node | None
    is_complete: bool


class Document:
    """One file: its data, and where in it everything is."""

    def __init__(self, source: SourceText, root: yaml.Node | None) -> None:
        self.data: Data = Plain("")
        self.nodes = 0
        """Values and keys that stand in the text."""
        self._source = source
        self._root = root
        self._keys: dict[str, dict[str, _KeyPlace]] = {}
        """Places of the keys at the top (under an empty name), and in each section there."""
        self._indexed: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = {}

    @property
    def text(self) -> str:
        """All of the file."""
        return self._source.text

    def key_lines(self, section: str = "") -> list[tuple[str, int]]:
        """The keys at the top, or those of a section there, each with its line from 0."""
        return [(key, line) for key, (line, _, _) in self._keys.get(section, {}).items()]

    def locate(self, path: Path, *, key: bool = False) -> Location:
        """Place of the value at `path`, or of its key.

        What is not there is shown at the key of the nearest thing around it that is. The key of a
        name in a section at the top is found without the tree.
        """
        noted = self._noted(path) if key else None
        if noted is not None:
            return noted
        found = self._walk(path)
        node = found.value if found.is_complete and not key else found.key
        return self.at_node(node, found.path)

    def _noted(self, path: Path) -> Location | None:
        if len(path) != _LEVELS_NOTED:
            return None
        section, name = path
        line, column, length = self._keys.get(str(section), {}).get(str(name), _NO_PLACE)
        if length <= 0 or line >= self._source.line_count:
            return None
        return Location(
            self._source.file,
            line + 1,
            column + 1,
            f"{section}.{name}",
            self._source.line(line),
            length,
        )

    def locate_text(self, path: Path, needle: str, *, key: bool = False) -> Location:
        """Place of `needle` inside the scalar, or the key, at `path`; of all of it if not found."""
        whole = self.locate(path, key=key)
        found = self._walk(path)
        node = found.key if key else found.value
        if node is None or not found.is_complete:
            return whole
        found_at = self._source.find(needle, node.start_mark.index, node.end_mark.index)
        if found_at is None:
            return whole
        lines, column = found_at
        if lines == 0:
            column += node.start_mark.column
        line = node.start_mark.line + lines
        return self._source.at(line, column, length=len(needle), path=whole.path)

    def read(self, written: int, faults: Faults) -> None:
        """Fill `data`, of which `written` nodes stand in the text.

        Raises:
            _TooManyAliasesError: aliases add more than `MOST_ALIASED_NODES`.
        """
        self.nodes = written
        if self._root is not None:
            self.data = _Converter(self, written, faults).convert(self._root, ())
            self._note_keys(self._root)
        self._root = None
        self._indexed.clear()

    def _note_keys(self, root: yaml.Node) -> None:
        self._keys[""] = _key_places(root)
        for name in self._keys[""]:
            pair = self._child(root, name)
            if pair is not None and isinstance(pair[1], yaml.MappingNode):
                self._keys[name] = _key_places(pair[1])

    def _tree(self) -> yaml.Node | None:
        """The nodes, composed again where they are gone; the text is known to be YAML."""
        if self._root is None and self.nodes:
            self._root = _Composer(self._source.text).get_single_node()
        return self._root

    def at_node(self, node: yaml.Node | None, path: Path) -> Location:
        """Place of a node that is known to be at `path`; the start of the text for None."""
        if node is None:
            return self._source.at(0, 0, path=spell(path))
        start, end = node.start_mark, node.end_mark
        last = end.column
        if end.line != start.line:
            last = len(self._source.line(start.line).rstrip())
        length = max(1, last - start.column)
        return self._source.at(start.line, start.column, length=length, path=spell(path))

    def _walk(self, path: Path) -> _Found:
        """What is at `path`, or the nearest thing around it.

        A text stands for the list that holds it alone, where a field takes either.
        """
        key_node = node = self._tree()
        walked: Path = ()
        for step in path:
            if step == 0 and isinstance(node, yaml.ScalarNode):
                continue
            pair = self._child(node, step)
            if pair is None:
                return _Found(walked, key_node, node, is_complete=False)
            key_node, node = pair
            walked = (*walked, step)
        return _Found(walked, key_node, node, is_complete=True)

    def _child(self, node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
        """Key and value of a mapping's entry; a list's item twice."""
        if isinstance(node, yaml.SequenceNode):
            if isinstance(step, int) and step < len(node.value):
                return node.value[step], node.value[step]
        elif isinstance(node, yaml.MappingNode) and isinstance(step, str):
            entries = self._indexed.get(id(node))
            if entries is None:
                entries = {k.value: (k, v) for k, v in reversed(node.value) if _is_text(k)}
                self._indexed[id(node)] = entries
            return entries.get(step)
        return None


def spell(path: Path) -> str:
    """`path` as messages show it: `assets.hero.reference[0]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def parse(data: bytes, file: str, faults: Faults) -> Document | None:
    """The document in `data`, or None after a fault that leaves nothing to look at.

    `file` is how users know the file. Faults that leave the rest readable, such as a duplicate key,
    are noted in `faults`, and the first of two entries stays.
    """
    source = decode(data, file, faults)
    if source is None:
        return None
    try:
        composer = _Composer(source.text)
        document = Document(source, composer.get_single_node())
    except yaml.MarkedYAMLError as error:
        _note_syntax_error(error, source, faults)
        return None
    except yaml.YAMLError as error:
        faults.add(f"not YAML: {str(error).splitlines()[0]}", source.at(0, 0))
        return None
    try:
        document.read(composer.nodes, faults)
    except _TooManyAliasesError:
        faults.add(
            f"aliases add more than {MOST_ALIASED_NODES:,} values",
            source.at(0, 0),
            "write out what is used often as a variable or a style",
        )
        return None
    return document


def _note_syntax_error(error: yaml.MarkedYAMLError, source: SourceText, faults: Faults) -> None:
    numbers = range(source.line_count)
    marker = next((n for n in numbers if source.line(n).startswith("<<<<<<<")), None)
    if marker is not None:
        faults.add(
            "the manifest has conflict markers",
            source.at(marker, 0),
            "finish the merge: choose a side, and remove the lines with `<<<`, `===` and `>>>`",
        )
        return
    problem = " ".join(filter(None, (error.context, error.problem)))
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    where = source.at(line, column)
    around = where.source_line[max(0, column - 1) : column + 1]
    hint = next((hint for words, hint in _HINTS.items() if words in problem), None)
    if around == "${":
        hint = 'inside `{…}` and `[…]` a text with `${…}` needs quotes: `"${name}.png"`'
    elif "cannot start any token" in problem and around.endswith("\t"):
        hint = "indent with spaces, not with tabs"
    what = problem if isinstance(error, _BoundError) else f"not YAML: {problem}"
    if "maximum nesting depth" in problem:
        what = _TOO_DEEP  # newer libyaml has a bound of its own, far above ours, and meets it first
    faults.add(what, where, hint)


class _TooManyAliasesError(Exception):
    """Aliases expand the document beyond its bound."""


class _Converter:
    """Turns nodes into plain data, noting what the manifest's YAML leaves out."""

    def __init__(self, document: Document, written: int, faults: Faults) -> None:
        self._document = document
        self._faults = faults
        self._left = written + MOST_ALIASED_NODES
        self._open: set[int] = set()
        """Collections around the present node: one that comes again contains itself."""

    def convert(self, node: yaml.Node, path: Path) -> Data:
        self._left -= 1
        if self._left < 0:
            raise _TooManyAliasesError
        if node.tag != _RESOLVED:
            self._add(
                f"tag {shown(_short_tag(node.tag))} is not part of the manifest's YAML",
                node,
                path,
                "remove the tag, or put quotes around a text that starts with `!`",
            )
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open or len(self._open) > MOST_LEVELS:
            self._add("an alias contains itself, or nests too deeply", node, path, None)
            return Plain("")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.convert(item, (*path, i)) for i, item in enumerate(node.value)]
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> str:
        value: str = node.value
        if not node.style:
            return Plain(value)
        if node.style == '"':
            found = _NOT_TEXT.search(value)
            if found is not None:
                code = f"U+{ord(found[0]):04X}"
                self._add(f"control character {code} in a text", node, path, "remove the escape")
                return _NOT_TEXT.sub("", value)
        return value

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Data]:
        result: dict[str, Data] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._add("a key must be text", key_node, path, None)
                continue
            key = self._scalar(key_node, path)
            here = (*path, str(key))
            if key_node.tag != _RESOLVED:
                self.convert(key_node, here)
            if key in result:
                self._note_duplicate(key_node, here)
                self.convert(value_node, here)
                continue
            if key == "<<" and isinstance(key, Plain):
                self._add(
                    "merge keys `<<` are not part of the manifest's YAML",
                    key_node,
                    here,
                    "put what several assets share under `defaults`",
                )
                continue
            result[str(key)] = self.convert(value_node, here)
        return result

    def _note_duplicate(self, again: yaml.Node, path: Path) -> None:
        if self._faults.is_full:
            return
        first = self._document.locate(path, key=True)
        self._add(
            f"duplicate key {shown(again.value)}",
            again,
            path,
            f"the first is at line {first.line}: remove one, or rename it",
        )

    def _add(self, what: str, node: yaml.Node, path: Path, hint: str | None) -> None:
        if self._faults.is_full:
            return
        self._faults.add(what, self._document.at_node(node, path), hint)


def _key_places(mapping: yaml.Node) -> dict[str, _KeyPlace]:
    """The keys of a mapping that are text; of those that are there twice, the first."""
    places: dict[str, _KeyPlace] = {}
    if isinstance(mapping, yaml.MappingNode):
        for key, _ in mapping.value:
            if _is_text(key):
                start, end = key.start_mark, key.end_mark
                length = max(1, end.column - start.column) if start.line == end.line else 0
                places.setdefault(key.value, (start.line, start.column, length))
    return places


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode)


def _short_tag(tag: str) -> str:
    """A tag as people write it: `!!str` for `tag:yaml.org,2002:str`."""
    core = "tag:yaml.org,2002:"
    return f"!!{tag.removeprefix(core)}" if tag.startswith(core) else tag
