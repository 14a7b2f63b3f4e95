//! The facts of a file as tree-sitter's full parse has them: slow and thorough. It judges the fast
//! way, reads the slices that the fast way hands over, and stands in where that one gives up.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;

use memchr::memmem;
use tree_sitter::{Node, Parser, Tree};

use super::draft::{Block, Draft, DraftError, DraftImport, DraftName};
use super::facts::ImportKind;
use super::{calls, statement, strings, words};

pub(super) const UNREADABLE: &str = "this import cannot be read";

/// Reads a whole file.
pub(super) fn whole(source: &[u8]) -> Draft<'_> {
    let mut draft = Draft::default();
    if let Some(tree) = parse(source) {
        Walk::new(source, 0, source).run(&tree, &mut draft);
    }
    draft
}

/// Reads `range` of a file on its own; none where it holds a syntax error.
pub(super) fn slice<'s>(source: &'s [u8], range: Range<usize>) -> Option<Draft<'s>> {
    let text = &source[range.clone()];
    let tree = parse(text)?;
    if tree.root_node().has_error() {
        return None;
    }
    let mut draft = Draft::default();
    Walk::new(text, range.start, source).run(&tree, &mut draft);
    Some(draft)
}

/// Which branch of `if` only a type checker takes, as its condition has it; none where that is no
/// expression.
pub(super) fn condition(condition: &[u8]) -> Option<Truth> {
    let object = condition.trim_ascii().strip_suffix(words::TYPE_CHECKING);
    if object.is_some_and(|object| object.is_empty() || words::is_object(object)) {
        return Some(Truth { then: true, otherwise: false });
    }
    // In brackets it may go over lines.
    let text = [b"(", condition, b"\n)"].concat();
    let tree = parse(&text)?;
    let expression = tree.root_node().named_child(0)?.named_child(0)?;
    let whole = !tree.root_node().has_error() && expression.end_byte() == text.len();
    whole.then(|| Walk::new(&text, 0, &text).truth(expression))
}

fn parse(text: &[u8]) -> Option<Tree> {
    thread_local! {
        static PARSER: RefCell<Option<Parser>> = RefCell::new(parser());
    }
    PARSER.with_borrow_mut(|parser| parser.as_mut()?.parse(text, None))
}

fn parser() -> Option<Parser> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).ok()?;
    Some(parser)
}

/// One walk over a tree, from the top down and in the order of the text.
pub(super) struct Walk<'s> {
    /// What was parsed, and where it stands in the source.
    text: &'s [u8],
    base: usize,
    source: &'s [u8],
    /// Other names of `TYPE_CHECKING` in this file.
    aliases: Vec<&'s [u8]>,
    /// Whether the file speaks of `pkgutil` at all.
    pkgutil: bool,
}

impl<'s> Walk<'s> {
    fn new(text: &'s [u8], base: usize, source: &'s [u8]) -> Self {
        let pkgutil = memmem::find(source, b"pkgutil").is_some();
        Self { text, base, source, aliases: Vec::new(), pkgutil }
    }

    fn run(&mut self, tree: &Tree, draft: &mut Draft<'s>) {
        let mut pending = vec![(tree.root_node(), Block::default())];
        let mut cursor = tree.walk();
        while let Some((node, block)) = pending.pop() {
            let inner = Block { conditional: block.conditional || is_block(node), ..block };
            let first = pending.len();
            match node.kind() {
                "import_statement" | "future_import_statement" | "import_from_statement" => {
                    self.import(node, block, draft);
                    continue;
                }
                "if_statement" => self.branches(node, inner, &mut pending),
                "call" if self.call(node, block, draft) => {
                    // The arguments may hold more of them.
                    pending.extend(node.child_by_field_name("arguments").map(|n| (n, inner)));
                }
                kind => {
                    self.other(kind, node, draft);
                    let skipped = match kind {
                        "function_definition" | "class_definition" => {
                            node.child_by_field_name("name")
                        }
                        _ => None,
                    };
                    let children = node.children(&mut cursor);
                    let children = children.filter(|child| Some(*child) != skipped);
                    pending.extend(children.map(|child| (child, inner)));
                }
            }
            pending[first..].reverse();
        }
    }

    fn other(&self, kind: &str, node: Node<'_>, draft: &mut Draft<'s>) {
        match kind {
            "identifier" => {
                let name = self.text(node);
                let walks = words::is_loader(name)
                    || name == b"__path__" && !words::extends_path(self.source, self.at(node))
                    || self.pkgutil && words::is_walker(name);
                if walks {
                    draft.walks_package(self.at(node), self.source);
                }
            }
            "function_definition" => self.definition(node, draft),
            "assignment" | "augmented_assignment" => self.assignment(node, draft),
            "ERROR" if draft.error.is_none() => {
                let import = node.children(&mut node.walk()).find(|child| child.kind() == "import");
                draft.error =
                    import.map(|import| DraftError { at: self.at(import), message: UNREADABLE });
            }
            _ => {}
        }
    }

    /// A module's `__getattr__` takes one argument, a class's two.
    fn definition(&self, node: Node<'_>, draft: &mut Draft<'s>) {
        let (Some(name), Some(parameters)) =
            (node.child_by_field_name("name"), node.child_by_field_name("parameters"))
        else {
            return;
        };
        if self.text(name) == b"__getattr__" && words::takes_one(self.text(parameters)) {
            draft.walks_package(self.at(name), self.source);
        }
    }

    fn assignment(&self, node: Node<'_>, draft: &mut Draft<'s>) {
        let (Some(left), Some(right)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return;
        };
        if left.kind() != "identifier" {
            return;
        }
        let (name, at) = (self.text(left), self.at(left));
        let margin = at == 0 || self.source[at - 1] == b'\n';
        let plugins = name == b"pytest_plugins";
        let counts = plugins || (margin && words::in_capitals(name));
        if !counts {
            return;
        }
        strings::each(right, &mut |string| {
            let Some(text) = strings::plain(string, self.text) else { return };
            let found = (self.at(string), Cow::Borrowed(text));
            if plugins && words::is_dotted(text) {
                draft.plugins.push(found);
            } else if !plugins && words::is_setting(name, text) {
                draft.dotted.push(found);
            }
        });
    }

    fn import(&mut self, node: Node<'_>, block: Block, draft: &mut Draft<'s>) {
        let statement = self.at(node);
        // tree-sitter takes an indented statement where no block is; Python does not.
        let conditional = block.conditional || statement::leads_indented(self.source, statement);
        let block = Block { conditional, ..block };
        let from = match node.kind() {
            "import_statement" => None,
            "future_import_statement" => Some((0, Cow::Borrowed(&b"__future__"[..]))),
            _ => node.child_by_field_name("module_name").map(|module| self.module(module)),
        };
        let mut push = |at, name: Cow<'s, [u8]>, star: bool| {
            let (level, module, name) = match from.clone() {
                None => (0, name, DraftName::Module),
                Some((level, module)) if star => (level, module, DraftName::Star),
                Some((level, module)) => (level, module, DraftName::Name(name)),
            };
            let kind = ImportKind::Static;
            draft.imports.push(DraftImport { level, module, name, at, statement, block, kind });
        };
        let mut cursor = node.walk();
        let mut walks = None;
        for child in node.children_by_field_name("name", &mut cursor) {
            let (dotted, alias) = match child.kind() {
                "aliased_import" => {
                    (child.child_by_field_name("name"), child.child_by_field_name("alias"))
                }
                _ => (Some(child), None),
            };
            let Some(dotted) = dotted else { continue };
            let name = self.dotted(dotted);
            let aliased = alias.is_some_and(|alias| self.text(alias) != &*name);
            if from.is_some() && words::is_hidden(&name, aliased, self.pkgutil) {
                walks = walks.or(Some(self.at(dotted)));
            }
            if let Some(alias) = alias.filter(|_| &*name == words::TYPE_CHECKING) {
                self.aliases.push(self.text(alias));
            }
            push(self.at(dotted), name, false);
        }
        let star = node.children(&mut cursor).find(|child| child.kind() == "wildcard_import");
        if let Some(star) = star {
            push(self.at(star), Cow::Borrowed(b"*"), true);
        }
        if let Some(at) = walks {
            draft.walks_package(at, self.source);
        }
    }

    /// The level and the name of what stands after `from`.
    fn module(&self, node: Node<'_>) -> (u8, Cow<'s, [u8]>) {
        if node.kind() == "dotted_name" {
            return (0, self.dotted(node));
        }
        let (mut level, mut name) = (0, Cow::Borrowed(&b""[..]));
        for child in node.children(&mut node.walk()) {
            match child.kind() {
                "import_prefix" => {
                    let dots = self.text(child).iter().filter(|byte| **byte == b'.').count();
                    level = u8::try_from(dots).unwrap_or(u8::MAX);
                }
                "dotted_name" => name = self.dotted(child),
                _ => {}
            }
        }
        (level, name)
    }

    /// A dotted name without the blanks that may stand around its dots.
    fn dotted(&self, node: Node<'_>) -> Cow<'s, [u8]> {
        let text = self.text(node);
        if text.iter().all(|byte| words::is_word(*byte) || *byte == b'.') {
            return Cow::Borrowed(text);
        }
        let mut cursor = node.walk();
        let parts = node.children(&mut cursor);
        let parts = parts.filter(|part| matches!(part.kind(), "identifier" | "."));
        Cow::Owned(parts.flat_map(|part| self.text(part)).copied().collect())
    }

    fn branches<'t>(&self, node: Node<'t>, outer: Block, pending: &mut Vec<(Node<'t>, Block)>) {
        let mut rest = outer;
        let mut cursor = node.walk();
        let mut condition = Truth::default();
        for child in node.children(&mut cursor) {
            match child.kind() {
                "elif_clause" => {
                    let own = child.child_by_field_name("condition");
                    let own = own.map(|own| self.truth(own)).unwrap_or_default();
                    pending.push((child, rest.or_checked(own.then)));
                    rest = rest.or_checked(own.otherwise);
                }
                "else_clause" => pending.push((child, rest)),
                _ if Some(child) == node.child_by_field_name("condition") => {
                    condition = self.truth(child);
                    rest = rest.or_checked(condition.otherwise);
                    pending.push((child, outer));
                }
                _ => pending.push((child, outer.or_checked(condition.then))),
            }
        }
    }

    fn truth(&self, node: Node<'_>) -> Truth {
        let field =
            |name| node.child_by_field_name(name).map(|n| self.truth(n)).unwrap_or_default();
        match node.kind() {
            "identifier" => {
                let name = self.text(node);
                let then = name == words::TYPE_CHECKING || self.aliases.contains(&name);
                Truth { then, otherwise: false }
            }
            "attribute" => field("attribute"),
            "parenthesized_expression" => {
                let inner = node.named_children(&mut node.walk()).find(|n| n.kind() != "comment");
                inner.map(|inner| self.truth(inner)).unwrap_or_default()
            }
            "not_operator" => {
                let inner = field("argument");
                Truth { then: inner.otherwise, otherwise: inner.then }
            }
            "boolean_operator" => {
                let (left, right) = (field("left"), field("right"));
                let both = node.child_by_field_name("operator").is_some_and(|n| n.kind() == "and");
                let any = Truth {
                    then: left.then || right.then,
                    otherwise: left.otherwise || right.otherwise,
                };
                let all = Truth {
                    then: left.then && right.then,
                    otherwise: left.otherwise && right.otherwise,
                };
                if both {
                    Truth { then: any.then, otherwise: all.otherwise }
                } else {
                    Truth { then: all.then, otherwise: any.otherwise }
                }
            }
            _ => Truth::default(),
        }
    }

    /// Whether a call is one that imports, and what it does then.
    fn call(&self, node: Node<'_>, block: Block, draft: &mut Draft<'s>) -> bool {
        let Some(function) = node.child_by_field_name("function") else { return false };
        let name = match function.kind() {
            "attribute" => function.child_by_field_name("attribute"),
            "identifier" => Some(function),
            _ => None,
        };
        let (Some(name), Some(arguments)) = (name, node.child_by_field_name("arguments")) else {
            return false;
        };
        if !words::is_loader(self.text(name)) {
            return false;
        }
        let at = self.at(name);
        match calls::read(self.text(name), arguments, self.text) {
            Some(loaded) => draft.imports.extend(loaded.into_iter().map(|import| DraftImport {
                at,
                statement: at,
                block: import.block.or(block),
                ..import
            })),
            None => draft.walks_package(at, self.source),
        }
        true
    }

    fn text(&self, node: Node<'_>) -> &'s [u8] {
        &self.text[node.byte_range()]
    }

    fn at(&self, node: Node<'_>) -> usize {
        self.base + node.start_byte()
    }
}

/// Whether what stands in a node need not run. A file is one node, perhaps with an error around its
/// statements.
fn is_block(node: Node<'_>) -> bool {
    !matches!(node.kind(), "module" | "ERROR")
}

/// Which branch of a condition only a type checker takes.
#[derive(Clone, Copy, Default)]
pub(super) struct Truth {
    pub(super) then: bool,
    pub(super) otherwise: bool,
}
