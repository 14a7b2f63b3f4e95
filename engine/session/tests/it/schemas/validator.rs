//! The KDL Schema language (1.0.0 of its specification, in KDL 2), so that a schema can be held against
//! documents. It knows the language alone, and nothing of qik: no validator of KDL 2 is to be had.
//!
//! Several types under `type` are alternatives. What is said of texts concerns texts, and what is
//! said of numbers numbers. Several `children` blocks of a node are one. Of `format` nothing is
//! checked, and of queries only `[id="…"]` is understood.

use std::collections::BTreeMap;

use kdl::{KdlDocument, KdlEntry, KdlIdentifier, KdlNode, KdlValue};
use regex::Regex;

const VALIDATIONS: [&str; 12] = [
    "tag",
    "type",
    "enum",
    "pattern",
    "min-length",
    "max-length",
    "format",
    "%",
    ">",
    ">=",
    "<",
    "<=",
];
const OF_CHILDREN: [&str; 5] =
    ["node", "node-names", "other-nodes-allowed", "tag-names", "other-tags-allowed"];
const OF_NODES: [&str; 8] =
    ["min", "max", "prop-names", "other-props-allowed", "tag", "prop", "value", "children"];

/// A schema.
pub struct Schema {
    root: KdlNode,
    ids: BTreeMap<String, KdlNode>,
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// What of it does not belong to the language.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let document = KdlDocument::parse_v2(text).map_err(|error| vec![error.to_string()])?;
        let [root] = document.nodes() else { return Err(vec!["not one node at the top".into()]) };
        let mut schema = Self { root: root.clone(), ids: BTreeMap::new() };
        let mut found = Vec::new();
        if root.name().value() != "document" {
            found.push("no `document` at the top".into());
        }
        schema.words(root, "document", &mut found);
        if found.is_empty() { Ok(schema) } else { Err(found) }
    }

    /// Checks the words of a definition, and notes those with an id.
    fn words(&mut self, of: &KdlNode, kind: &str, found: &mut Vec<String>) {
        if let Some(id) = text_under(of, "id") {
            self.ids.insert(id.to_string(), of.clone());
        }
        let known: Vec<&str> = match kind {
            "document" => [&["info", "definitions"][..], &OF_CHILDREN].concat(),
            "children" => OF_CHILDREN.into(),
            "definitions" => vec!["node", "tag", "prop", "value", "children"],
            "node" => OF_NODES.into(),
            "prop" => [&["required"][..], &VALIDATIONS].concat(),
            "value" => [&["min", "max"][..], &VALIDATIONS].concat(),
            "node-names" | "prop-names" | "tag-names" | "tag" => VALIDATIONS.into(),
            // What is about the schema itself, and plain settings.
            _ => return,
        };
        for inner in inner(of) {
            let word = inner.name().value();
            if !known.contains(&word) {
                found.push(format!("`{word}` in a `{kind}`"));
            }
            self.words(inner, word, found);
        }
    }

    /// What in a document is not as the schema has it; nothing where all is.
    pub fn check(&self, text: &str) -> Vec<String> {
        let document = match KdlDocument::parse_v2(text) {
            Ok(document) => document,
            Err(error) => return vec![error.to_string()],
        };
        let mut found = Vec::new();
        self.nodes(&inner(&self.root).collect::<Vec<_>>(), document.nodes(), "", &mut found);
        found
    }

    /// Nodes that stand beside each other, against the definitions of a block.
    fn nodes(&self, block: &[&KdlNode], nodes: &[KdlNode], path: &str, found: &mut Vec<String>) {
        let definitions: Vec<&KdlNode> = named(block, "node").collect();
        let others = named(block, "other-nodes-allowed").any(says_yes);
        let tags = named(block, "other-tags-allowed").any(says_yes);
        for definition in &definitions {
            let parts = self.parts(definition);
            let name = self.name(definition);
            let count = nodes.iter().filter(|node| name.is_none_or(|n| n == node.name().value()));
            counted(&parts, count.count(), &format!("{path}/{}", name.unwrap_or("*")), found);
        }
        for node in nodes {
            let name = node.name().value();
            let path = format!("{path}/{name}");
            let mut known = false;
            for definition in &definitions {
                if self.name(definition).is_none_or(|defined| defined == name) {
                    known = true;
                    self.node(&self.parts(definition), node, &path, tags, found);
                }
            }
            for names in named(block, "node-names") {
                self.valid(&self.parts(names), &KdlValue::String(name.into()), &path, found);
            }
            if !known && !others {
                found.push(format!("{path} is not known"));
            }
        }
    }

    fn node(
        &self,
        parts: &[&KdlNode],
        node: &KdlNode,
        path: &str,
        tags: bool,
        found: &mut Vec<String>,
    ) {
        self.tag(parts, node.ty(), tags, path, found);
        let (props, values): (Vec<&KdlEntry>, Vec<&KdlEntry>) =
            node.entries().iter().partition(|entry| entry.name().is_some());
        self.props(parts, &props, path, found);
        let defined: Vec<&KdlNode> = named(parts, "value").collect();
        if defined.is_empty() && !values.is_empty() {
            found.push(format!("{path} takes no value"));
        }
        for definition in defined {
            let parts = self.parts(definition);
            counted(&parts, values.len(), &format!("values of {path}"), found);
            for value in &values {
                self.tag(&parts, value.ty(), false, path, found);
                self.valid(&parts, value.value(), path, found);
            }
        }
        let blocks: Vec<&KdlNode> = named(parts, "children").collect();
        let nodes = node.children().map_or(&[][..], KdlDocument::nodes);
        if blocks.is_empty() {
            if !nodes.is_empty() {
                found.push(format!("{path} takes no block"));
            }
            return;
        }
        let block: Vec<&KdlNode> = blocks.iter().flat_map(|block| self.parts(block)).collect();
        self.nodes(&block, nodes, path, found);
    }

    fn props(&self, parts: &[&KdlNode], props: &[&KdlEntry], path: &str, found: &mut Vec<String>) {
        let definitions: Vec<&KdlNode> = named(parts, "prop").collect();
        let others = named(parts, "other-props-allowed").any(says_yes);
        for definition in &definitions {
            let required = self
                .parts(definition)
                .into_iter()
                .any(|part| part.name().value() == "required" && says_yes(part));
            let key = self.name(definition);
            if required && !props.iter().any(|prop| key.is_none_or(|key| name_of(prop) == key)) {
                found.push(format!("{path} lacks {}", key.unwrap_or("a property")));
            }
        }
        for prop in props {
            let name = name_of(prop);
            let path = format!("{path}@{name}");
            let mut known = false;
            for definition in &definitions {
                if self.name(definition).is_none_or(|key| key == name) {
                    known = true;
                    let parts = self.parts(definition);
                    self.tag(&parts, prop.ty(), false, &path, found);
                    self.valid(&parts, prop.value(), &path, found);
                }
            }
            for names in named(parts, "prop-names") {
                self.valid(&self.parts(names), &KdlValue::String(name.into()), &path, found);
            }
            if !known && !others {
                found.push(format!("{path} is not known"));
            }
        }
    }

    fn tag(
        &self,
        parts: &[&KdlNode],
        tag: Option<&KdlIdentifier>,
        others: bool,
        path: &str,
        found: &mut Vec<String>,
    ) {
        let Some(tag) = tag else { return };
        let mut known = others;
        for definition in named(parts, "tag") {
            known = true;
            let tag = KdlValue::String(tag.value().into());
            self.valid(&self.parts(definition), &tag, path, found);
        }
        if !known {
            found.push(format!("{path} takes no tag"));
        }
    }

    /// A value against the validations among `parts`.
    fn valid(&self, parts: &[&KdlNode], value: &KdlValue, path: &str, found: &mut Vec<String>) {
        for part in parts {
            let given: Vec<&KdlValue> = part.entries().iter().map(KdlEntry::value).collect();
            if !holds(part.name().value(), &given, value) {
                let given: Vec<String> = given.iter().map(ToString::to_string).collect();
                let (word, given) = (part.name().value(), given.join(" "));
                found.push(format!("{path}: {value} is not {word} {given}"));
            }
        }
    }

    /// What a definition consists of: what it refers to, and what stands in it.
    fn parts<'s>(&'s self, of: &'s KdlNode) -> Vec<&'s KdlNode> {
        let target = self.target(of).map(|target| self.parts(target)).unwrap_or_default();
        target.into_iter().chain(inner(of)).collect()
    }

    fn target(&self, of: &KdlNode) -> Option<&KdlNode> {
        let query = text_under(of, "ref")?;
        let id = query.strip_prefix("[id=\"").and_then(|rest| rest.strip_suffix("\"]"));
        let target = id.and_then(|id| self.ids.get(id));
        Some(target.unwrap_or_else(|| panic!("`{query}` leads nowhere")))
    }

    fn name<'s>(&'s self, of: &'s KdlNode) -> Option<&'s str> {
        let own = of.entries().iter().find(|entry| entry.name().is_none());
        let own = own.and_then(|entry| entry.value().as_string());
        own.or_else(|| self.name(self.target(of)?))
    }
}

/// Whether a value is as a validation has it.
fn holds(word: &str, given: &[&KdlValue], value: &KdlValue) -> bool {
    let limit = || given.iter().find_map(|one| number(one));
    let against = |fits: fn(f64, f64) -> bool| match (number(value), limit()) {
        (Some(value), Some(limit)) => fits(value, limit),
        _ => true,
    };
    let length = |fits: fn(f64, f64) -> bool| match (value.as_string(), limit()) {
        (Some(text), Some(limit)) => fits(text.chars().count() as f64, limit),
        _ => true,
    };
    match word {
        "type" => given.iter().any(|one| one.as_string() == Some(type_of(value))),
        "enum" => given.contains(&value),
        "pattern" => value.as_string().is_none_or(|text| {
            let matches = |one: &&KdlValue| {
                let pattern = one.as_string().expect("a pattern is a text");
                Regex::new(pattern).expect("a pattern is a regular expression").is_match(text)
            };
            given.iter().any(matches)
        }),
        "min-length" => length(|length, limit| length >= limit),
        "max-length" => length(|length, limit| length <= limit),
        "%" => against(|value, of| value % of == 0.0),
        ">" => against(|value, limit| value > limit),
        ">=" => against(|value, limit| value >= limit),
        "<" => against(|value, limit| value < limit),
        "<=" => against(|value, limit| value <= limit),
        _ => true,
    }
}

fn type_of(value: &KdlValue) -> &'static str {
    match value {
        KdlValue::String(_) => "string",
        KdlValue::Integer(_) | KdlValue::Float(_) => "number",
        KdlValue::Bool(_) => "boolean",
        KdlValue::Null => "null",
    }
}

fn number(value: &KdlValue) -> Option<f64> {
    value.as_integer().map(|number| number as f64).or_else(|| value.as_float())
}

/// Whether there are as many as `min` and `max` among `parts` have it.
fn counted(parts: &[&KdlNode], count: usize, what: &str, found: &mut Vec<String>) {
    for (word, fits) in [("min", usize::ge as fn(&usize, &usize) -> bool), ("max", usize::le)] {
        let limit = named(parts, word).find_map(|part| number(part.entries().first()?.value()));
        if limit.is_some_and(|limit| !fits(&count, &(limit as usize))) {
            found.push(format!("{what}: {count} is beyond its {word}"));
        }
    }
}

fn inner(node: &KdlNode) -> impl Iterator<Item = &KdlNode> {
    node.children().map_or(&[][..], KdlDocument::nodes).iter()
}

fn named<'n>(nodes: &[&'n KdlNode], name: &'static str) -> impl Iterator<Item = &'n KdlNode> {
    nodes.iter().copied().filter(move |node| node.name().value() == name)
}

fn text_under<'n>(node: &'n KdlNode, key: &str) -> Option<&'n str> {
    node.get(key)?.as_string()
}

fn name_of(prop: &KdlEntry) -> &str {
    prop.name().map_or("", KdlIdentifier::value)
}

fn says_yes(node: &KdlNode) -> bool {
    node.entries().first().is_some_and(|entry| entry.value().as_bool() == Some(true))
}

#[cfg(test)]
mod tests {
    use super::Schema;

    /// Each slip that a document can hold against a small schema, by a word of the complaint.
    #[test]
    fn each_word_of_the_language_has_its_effect() {
        let schema = Schema::parse(
            "document {
               definitions { children id=within { node b { value { type \"null\" } } } }
               node a {
                 min 1; max 2
                 value { min 1; max 2; type string; min-length 2; max-length 4 }
                 prop n { type number boolean; > 0; \"<=\" 9; % 2 }
                 prop e { required #true; enum x 1 }
                 prop p { pattern \"^p+$\" \"q\" }
                 children ref=\"[id=\\\"within\\\"]\"
               }
               node d {
                 other-props-allowed #true
                 prop-names { pattern \"^p\" }
                 tag { enum t }
                 children {
                   other-nodes-allowed #true
                   node-names { pattern \"^q\" }
                 }
               }
             }",
        )
        .unwrap_or_else(|found| panic!("{found:?}"));
        let check = |text: &str, expected: &str| {
            let found = schema.check(text);
            let fits = match expected {
                "" => found.is_empty(),
                word => found.len() == 1 && found[0].contains(word),
            };
            assert!(fits, "{text}: {found:?}");
        };
        check("a xx e=x", "");
        check("a xx yy n=4 e=x { b #null }", "");
        check("a xx e=x; a xx e=x; a xx e=x", "beyond its max");
        check("", "beyond its min");
        check("a e=x", "values of /a: 0 is beyond its min");
        check("a 1 e=x", "is not type");
        check("a x e=x", "is not min-length");
        check("a xxxxx e=x", "is not max-length");
        check("a xx n=0 e=x", "is not >");
        check("a xx n=10 e=x", "is not <=");
        check("a xx n=3 e=x", "is not %");
        check("a xx n=t e=x", "is not type");
        check("a xx", "lacks e");
        check("a xx e=y", "is not enum");
        check("a xx e=1", "");
        check("a xx e=1 p=pp", "");
        check("a xx e=1 p=aqa", "");
        check("a xx e=1 p=ppa", "is not pattern");
        check("a xx e=x o=1", "/a@o is not known");
        check("a xx e=x { f }", "/a/f is not known");
        check("a xx e=x { b #true }", "is not type");
        check("(t)a xx e=x", "takes no tag");
        check("a xx e=x; (t)d px=1 { q }", "");
        check("a xx e=x; (u)d", "is not enum");
        check("a xx e=x; d o=1", "is not pattern");
        check("a xx e=x; d { o }", "is not pattern");
        assert!(!schema.check("a {").is_empty(), "what does not parse is refused");
    }

    #[test]
    fn a_schema_of_unknown_words_is_none() {
        assert!(Schema::parse("document { nodes a }").is_err());
        assert!(Schema::parse("document { node a { value { max 1; types string } } }").is_err());
        assert!(Schema::parse("documents { }").is_err());
    }
}
