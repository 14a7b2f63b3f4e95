//! Configurations made up along the table of keys: written in one format, converted to the other and
//! back, each means the same.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use qik_model::Span;
use qik_model::comments::Placed;
use qik_model::document::{ConfigDocument, Entry, Node, Notation, Table, Value};
use qik_model::schema::{ROOT, Shape, TableShape};

use crate::project::*;

/// Texts that a format may trip over, and some that mean something.
fn text() -> BoxedStrategy<String> {
    const ODD: &[&str] = &[
        "",
        " ",
        "\"",
        "\\",
        "'",
        "\"\"\"",
        "'''",
        "\n",
        "\r\n",
        "\t",
        "#",
        "//",
        "/-",
        "{ctx.region}",
        "{module.dir}",
        "{{x}}",
        "${HOME}",
        "\u{0}",
        "\u{7f}",
        "\u{2028}",
        "\u{feff}",
        "\u{85}",
        "é",
        "true",
        "#true",
        "null",
        "1",
        "a",
        "lint",
        "-",
        "=",
        "\u{1f600}",
        "\\u{1}",
        "r#\"",
    ];
    vec(prop::sample::select(ODD), 0..4).prop_map(|parts| parts.concat()).boxed()
}

fn value(shape: &'static Shape) -> BoxedStrategy<Value> {
    let words = |words: &'static [&'static str]| {
        prop::sample::select(words).prop_map(|word| Value::Str(word.into())).boxed()
    };
    match shape {
        Shape::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Shape::Int => (0i64..100).prop_map(Value::Int).boxed(),
        Shape::Str | Shape::Template => text().prop_map(Value::Str).boxed(),
        Shape::Pattern => words(&["**.py", "!a", "src/{a,b}", "a b", "\\[x\\]"]),
        Shape::Path => words(&[".", "a", "b/c", "d e"]),
        Shape::Duration => {
            prop_oneof![words(&["5s", "1h"]), (1i64..9).prop_map(Value::Int)].boxed()
        }
        Shape::Size => {
            prop_oneof![words(&["10GiB", "5MB"]), (1i64..9).prop_map(Value::Int)].boxed()
        }
        Shape::Enum(known) => words(known),
        Shape::Scalar => prop_oneof![
            text().prop_map(Value::Str),
            any::<bool>().prop_map(Value::Bool),
            (-5i64..5).prop_map(Value::Int),
            vec(text().prop_map(Value::Str), 0..3).prop_map(list),
        ]
        .boxed(),
        Shape::List(inner) => vec(value(inner), 0..4).prop_map(list).boxed(),
        Shape::Map { shape, .. } => {
            let name = prop_oneof![
                prop::sample::select(&["a", "b", "c-d", "e_f", "ci", "1", "x.y", ""][..])
                    .prop_map(str::to_string),
                text(),
            ];
            vec((name, value(shape)), 0..4).prop_map(|entries| Value::Table(table(entries))).boxed()
        }
        Shape::Table(shape) => keys(shape).prop_map(|entries| Value::Table(table(entries))).boxed(),
        Shape::Tagged(tagged) => (0..tagged.variants.len())
            .prop_flat_map(|at| {
                let variant = &tagged.variants[at];
                let tag = (tagged.tag.to_string(), Value::Str(variant.name.into()));
                keys(&variant.table).prop_map(move |mut entries| {
                    entries.insert(0, tag.clone());
                    Value::Table(table(entries))
                })
            })
            .boxed(),
        Shape::Either(shapes) => (0..shapes.len()).prop_flat_map(|at| value(&shapes[at])).boxed(),
    }
}

/// Some of the keys of a table, the required ones mostly; some in snake_case.
fn keys(shape: &'static TableShape) -> BoxedStrategy<Vec<(String, Value)>> {
    let each: Vec<_> = shape
        .keys
        .iter()
        .map(|key| {
            let chance = if key.required { 0.99 } else { 0.4 };
            prop::option::weighted(chance, (any::<bool>(), value(&key.shape))).prop_map(
                move |found| {
                    found.map(|(snake, value)| {
                        let name =
                            if snake { key.name.replace('-', "_") } else { key.name.to_string() };
                        (name, value)
                    })
                },
            )
        })
        .collect();
    each.prop_map(|found| found.into_iter().flatten().collect()).boxed()
}

fn list(values: Vec<Value>) -> Value {
    Value::List(values.into_iter().map(node).collect())
}

fn table(entries: Vec<(String, Value)>) -> Table {
    let mut table = Table::default();
    for (key, value) in entries {
        if table.get_exact(&key).is_none() {
            table.entries.push(Entry { key, key_span: span(), value: node(value) });
        }
    }
    table
}

fn node(value: Value) -> Node {
    Node { value, span: span() }
}

/// A place of its own for each item.
fn span() -> Span {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let start = NEXT.fetch_add(1, Ordering::Relaxed);
    Span { file: "qik.toml".into(), start, end: start }
}

fn document() -> impl Strategy<Value = ConfigDocument> {
    keys(&ROOT).prop_map(|mut entries| {
        // Variables in two lists are taken in the order of their keys, not in that of the file.
        let listed =
            entries.iter().any(|(key, value)| key == "ctx" && matches!(value, Value::List(_)));
        entries.retain(|(key, _)| !(listed && key == "vars") && key != "include");
        ConfigDocument { root: table(entries), span: span(), notation: Notation::Keys }
    })
}

fn one(file: &str, text: &str) -> Files {
    Files::from([(file.to_string(), text.to_string())])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn conversions_lose_nothing(document in document()) {
        let toml = syntaxes("qik.toml").0.write(&document, Placed::default()).unwrap();
        parse("qik.toml", &toml);
        let kdl = converted("qik.toml", &toml);
        let back = converted("qik.kdl", &kdl);
        let before = meaning(&one("qik.toml", &toml));
        prop_assert_eq!(&before, &meaning(&one("qik.kdl", &kdl)), "{}\n{}", toml, kdl);
        prop_assert_eq!(&before, &meaning(&one("qik.toml", &back)), "{}\n{}", kdl, back);
        prop_assert_eq!(&kdl, &converted("qik.toml", &back));
    }
}

/// More of them on demand: `QIK_TEST_CASES=100000`.
fn cases() -> u32 {
    std::env::var("QIK_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150)
}
