//! What `import_module(…)` and `__import__(…)` load, as far as literals tell.

use std::borrow::Cow;

use tree_sitter::Node;

use super::draft::{Block, DraftImport, DraftName};
use super::facts::ImportKind;
use super::strings::literal;

/// The imports that a call stands for (without their places); none where a name is computed.
pub(super) fn read<'s>(
    function: &[u8],
    arguments: Node<'_>,
    text: &'s [u8],
) -> Option<Vec<DraftImport<'s>>> {
    let arguments = Arguments { node: arguments, text };
    let name = literal(arguments.get(0, b"name")?, text)?;
    if name.is_empty() {
        return None;
    }
    if function == b"import_module" {
        let package = arguments.get(1, b"package");
        return Some(vec![relative(name, package, text)?]);
    }
    let level = arguments.get(4, b"level").map_or(Some(0), |level| number(level, text))?;
    let mut loaded = vec![import(level, name.clone(), DraftName::Module)];
    if let Some(members) = arguments.get(3, b"fromlist") {
        for member in items(members)? {
            let member = literal(member, text)?;
            let member = if &*member == b"*" { DraftName::Star } else { DraftName::Name(member) };
            loaded.push(import(level, name.clone(), member));
        }
    }
    Some(loaded)
}

/// The plain form `import_module("a.b")`, which the fast way reads itself.
pub(super) fn absolute(name: &[u8]) -> Option<DraftImport<'_>> {
    let absolute = name.first().is_some_and(|first| *first != b'.');
    absolute.then(|| import(0, Cow::Borrowed(name), DraftName::Module))
}

fn import<'s>(level: u8, module: Cow<'s, [u8]>, name: DraftName<'s>) -> DraftImport<'s> {
    let block = Block { type_checking: false, conditional: true };
    DraftImport { level, module, name, at: 0, statement: 0, block, kind: ImportKind::Dynamic }
}

/// `import_module(".b", package)`: relative to the file's own package, or to one named literally.
fn relative<'s>(
    name: Cow<'s, [u8]>,
    package: Option<Node<'_>>,
    text: &'s [u8],
) -> Option<DraftImport<'s>> {
    let dots = name.iter().take_while(|byte| **byte == b'.').count();
    if dots == 0 {
        return Some(import(0, name, DraftName::Module));
    }
    let package = package?;
    let below = match name {
        Cow::Borrowed(name) => Cow::Borrowed(&name[dots..]),
        Cow::Owned(name) => Cow::Owned(name[dots..].to_vec()),
    };
    if matches!(&text[package.byte_range()], b"__package__" | b"__name__") {
        return Some(import(u8::try_from(dots).ok()?, below, DraftName::Module));
    }
    let package = literal(package, text)?;
    let parts: Vec<&[u8]> = package.split(|byte| *byte == b'.').collect();
    let kept = parts.len().checked_sub(dots - 1).filter(|kept| *kept > 0)?;
    let mut whole = parts[..kept].join(&b'.');
    if !below.is_empty() {
        whole.push(b'.');
        whole.extend_from_slice(&below);
    }
    Some(import(0, Cow::Owned(whole), DraftName::Module))
}

struct Arguments<'t, 's> {
    node: Node<'t>,
    text: &'s [u8],
}

impl<'t> Arguments<'t, '_> {
    /// An argument by its position or its name.
    fn get(&self, position: usize, name: &[u8]) -> Option<Node<'t>> {
        let mut cursor = self.node.walk();
        let mut positions = 0;
        for argument in self.node.named_children(&mut cursor) {
            match argument.kind() {
                "comment" => {}
                "keyword_argument" => {
                    let key = argument.child_by_field_name("name")?;
                    if &self.text[key.byte_range()] == name {
                        return argument.child_by_field_name("value");
                    }
                }
                _ if positions == position => return Some(argument),
                _ => positions += 1,
            }
        }
        None
    }
}

fn number(node: Node<'_>, text: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(&text[node.byte_range()]).ok()?;
    // Python 2's -1: first relative, then absolute.
    if digits == "-1" { Some(0) } else { digits.parse().ok() }
}

fn items(node: Node<'_>) -> Option<Vec<Node<'_>>> {
    match node.kind() {
        "list" | "tuple" => {
            let mut cursor = node.walk();
            let items = node.named_children(&mut cursor);
            Some(items.filter(|item| item.kind() != "comment").collect())
        }
        "none" => Some(Vec::new()),
        _ => None,
    }
}
