//! The schemas are those of the types.
#![allow(clippy::disallowed_methods, reason = "this compares files of the source tree")]

use std::path::Path;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::*;
use crate::{EventLine, Listing};

/// Compares, or writes where that is asked for.
fn check<T: JsonSchema>(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(name);
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    unwrap_lines(&mut schema);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("QIK_TEST_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stands == text, "schemas/{name} is old: run this test once with QIK_TEST_WRITE_DOCS=1");
}

/// Comments are broken into lines for this source alone.
fn unwrap_lines(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(text) if key == "description" => *text = text.replace('\n', " "),
                    other => unwrap_lines(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_lines),
        _ => {}
    }
}

#[test]
fn the_schema_of_reports_is_that_of_the_types() {
    check::<Report>("report.schema.json");
}

#[test]
fn the_schema_of_listings_is_that_of_the_types() {
    check::<Listing>("ls.schema.json");
}

#[test]
fn the_schema_of_event_lines_is_that_of_the_types() {
    check::<EventLine>("events.schema.json");
}

#[test]
fn times_are_told_in_thousandths_and_utc() {
    assert_eq!(seconds(Duration::from_micros(1_234_567)), 1.234);
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_000_000_250);
    assert_eq!(timestamp(time), "2026-11-18T11:06:40Z");
}
