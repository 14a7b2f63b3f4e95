//! String literals in tree-sitter's trees. Knows nothing of what they are for.

use std::borrow::Cow;

use tree_sitter::Node;

/// Calls `found` with every string literal in `node`, in order; strings within f-strings are no
/// literals of their own.
pub(super) fn each<'t>(node: Node<'t>, found: &mut dyn FnMut(Node<'t>)) {
    let mut pending = vec![node];
    while let Some(node) = pending.pop() {
        if node.kind() == "string" {
            found(node);
            continue;
        }
        let first = pending.len();
        pending.extend(node.children(&mut node.walk()));
        pending[first..].reverse();
    }
}

/// The text between the quotes, where that is the string's value.
pub(super) fn plain<'s>(node: Node<'_>, text: &'s [u8]) -> Option<&'s [u8]> {
    let (mut start, mut end) = (None, None);
    for child in node.children(&mut node.walk()) {
        match child.kind() {
            "string_start" => {
                let prefix = &text[child.byte_range()];
                prefix.iter().all(|byte| b"rRuU\"'".contains(byte)).then_some(())?;
                start = Some(child.end_byte());
            }
            "string_end" => end = Some(child.start_byte()),
            "string_content" => {}
            _ => return None,
        }
    }
    let content = &text[start?..end?];
    (!content.contains(&b'\\')).then_some(content)
}

/// The value of an expression that is a string literal, perhaps of several parts.
pub(super) fn literal<'s>(node: Node<'_>, text: &'s [u8]) -> Option<Cow<'s, [u8]>> {
    match node.kind() {
        "string" => plain(node, text).map(Cow::Borrowed),
        "concatenated_string" => {
            let mut whole = Vec::new();
            for part in node.named_children(&mut node.walk()).filter(|n| n.kind() != "comment") {
                whole.extend_from_slice(plain(part, text)?);
            }
            Some(Cow::Owned(whole))
        }
        "parenthesized_expression" => {
            let inner = node.named_children(&mut node.walk()).find(|n| n.kind() != "comment")?;
            literal(inner, text)
        }
        _ => None,
    }
}
