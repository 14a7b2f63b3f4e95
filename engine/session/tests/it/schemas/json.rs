//! The table of keys as JSON Schema (draft 7, which editors of TOML know).

use qik_model::schema::{Key, ROOT, Shape, TableShape, Tagged, Variant};
use serde_json::{Map, Value, json};

/// The whole schema.
pub fn text() -> String {
    let mut schema = table(&ROOT, None);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("qik.toml");
    schema["description"] = json!("What qik runs, and what the results depend on.");
    format!("{schema:#}\n")
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Int => json!({ "type": "integer", "minimum": 0 }),
        Shape::Str | Shape::Template => json!({ "type": "string" }),
        Shape::Pattern => json!({ "type": "string", "minLength": 1 }),
        Shape::Path => json!({
            "type": "string",
            "minLength": 1,
            "not": { "pattern": "^/|(^|/)\\.\\.(/|$)" },
        }),
        Shape::Duration => json!({ "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$" },
        ] }),
        Shape::Size => json!({ "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "string", "pattern": "^[0-9]+ *([kmgtKMGT]?[bB]?|[kmgtKMGT][iI][bB])$" },
        ] }),
        Shape::Enum(known) => json!({ "type": "string", "enum": known }),
        Shape::Scalar => json!({ "anyOf": [
            { "type": ["string", "integer", "boolean"] },
            { "type": "array", "items": { "type": "string" } },
        ] }),
        Shape::List(inner) => json!({ "type": "array", "items": of(inner) }),
        Shape::Map { of: what, shape } => map(what, shape),
        Shape::Table(shape) => table(shape, None),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(of).collect::<Vec<_>>() }),
        Shape::Tagged(tagged) => tagged_table(tagged),
    }
}

fn map(what: &str, shape: &Shape) -> Value {
    let mut schema = json!({ "type": "object", "additionalProperties": of(shape) });
    if ["command", "space", "cache", "plugin", "profile"].contains(&what) {
        let fault = "^$|^[-:]|[@#,]|^\\s|\\s$|(^|/)(\\.|\\.\\.)?(/|$)";
        schema["propertyNames"] = json!({ "not": { "pattern": fault } });
    }
    schema
}

fn tagged_table(tagged: &Tagged) -> Value {
    let variants: Vec<Value> =
        tagged.variants.iter().map(|one| table(&one.table, Some((tagged.tag, one)))).collect();
    match variants.as_slice() {
        [one] => one.clone(),
        _ => json!({ "oneOf": variants }),
    }
}

/// A table of known keys; of a variant with the key that tells it.
fn table(shape: &TableShape, tag: Option<(&str, &Variant)>) -> Value {
    let mut properties = Map::new();
    let mut required: Vec<&str> = Vec::new();
    let mut schema = json!({ "type": "object" });
    if let Some((tag, variant)) = tag {
        properties.insert(tag.into(), json!({ "const": variant.name, "description": variant.doc }));
        required.push(tag);
        schema["description"] = json!(variant.doc);
    }
    for key in shape.keys {
        properties.insert(key.name.into(), described(key));
        if key.name.contains('-') {
            // The other spelling is taken and not offered.
            let mut other = described(key);
            other["x-taplo"] = json!({ "hidden": true });
            properties.insert(key.name.replace('-', "_"), other);
        }
        required.extend(key.required.then_some(key.name));
    }
    schema["properties"] = Value::Object(properties);
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema["additionalProperties"] = if shape.open { of(&Shape::Scalar) } else { json!(false) };
    schema
}

fn described(key: &Key) -> Value {
    let mut schema = of(&key.shape);
    schema["description"] = json!(key.doc);
    schema
}
