//! Figures as JSON, with every round, and back.

use serde_json::{Map, Value, json};

use super::super::{Check, Finding, Machine, Row};
use super::Figures;

impl Figures {
    /// As an object.
    pub fn json(&self) -> Value {
        json!({
            "machine": self.machine.json(),
            "qik": self.qik,
            "peers": self.peers,
            "rounds": self.rounds,
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }

    /// Out of an object that [`Figures::json`] made.
    pub fn parse(value: &Value) -> Option<Self> {
        let peers = value["peers"].as_object()?.iter();
        Some(Self {
            machine: Machine::parse(&value["machine"])?,
            qik: text(&value["qik"])?,
            peers: peers
                .map(|(name, of)| Some((name.clone(), text(of)?)))
                .collect::<Option<_>>()?,
            rounds: usize::try_from(value["rounds"].as_u64()?).ok()?,
            findings: list(&value["findings"], parse_finding)?,
        })
    }
}

fn finding(finding: &Finding) -> Value {
    json!({
        "case": finding.case,
        "size": finding.size.map(|size| size.to_string()),
        "rows": finding.rows.iter().map(row).collect::<Vec<_>>(),
        "checks": finding.checks.iter().map(check).collect::<Vec<_>>(),
    })
}

fn parse_finding(value: &Value) -> Option<Finding> {
    Some(Finding {
        case: text(&value["case"])?,
        size: match value["size"].as_str() {
            Some(size) => Some(size.parse().ok()?),
            None => None,
        },
        rows: list(&value["rows"], parse_row)?,
        checks: list(&value["checks"], parse_check)?,
    })
}

/// Microseconds are more than anybody can tell apart.
fn rounded(all: &[f64]) -> Vec<f64> {
    all.iter().map(|millis| (millis * 1e3).round() / 1e3).collect()
}

fn row(row: &Row) -> Value {
    let mut object = Map::new();
    object.insert("who".into(), json!(row.who));
    if row.is_measured() {
        object.insert("median-wall-ms".into(), json!(rounded(&[row.median_wall()])[0]));
        object.insert("median-cpu-ms".into(), json!(rounded(&[row.median_cpu()])[0]));
        object.insert("memory-mib".into(), json!(rounded(&[row.memory])[0]));
        object.insert("wall-ms".into(), json!(rounded(&row.wall)));
        object.insert("cpu-ms".into(), json!(rounded(&row.cpu)));
    }
    if let Some(note) = &row.note {
        object.insert("note".into(), json!(note));
    }
    Value::Object(object)
}

fn parse_row(value: &Value) -> Option<Row> {
    let numbers = |key: &str| match &value[key] {
        Value::Null => Some(Vec::new()),
        list => self::list(list, Value::as_f64),
    };
    Some(Row {
        who: text(&value["who"])?,
        wall: numbers("wall-ms")?,
        cpu: numbers("cpu-ms")?,
        memory: value["memory-mib"].as_f64().unwrap_or_default(),
        note: text(&value["note"]),
    })
}

fn check(check: &Check) -> Value {
    // A figure without a target has none in JSON, which knows no infinity.
    let target = Some(check.target).filter(|target| target.is_finite());
    json!({
        "what": check.what,
        "value": check.value,
        "target": target,
        "at-least": check.at_least,
        "holds": check.holds(),
    })
}

fn parse_check(value: &Value) -> Option<Check> {
    Some(Check {
        what: text(&value["what"])?,
        value: value["value"].as_f64()?,
        target: value["target"].as_f64().unwrap_or(f64::INFINITY),
        at_least: value["at-least"].as_bool()?,
    })
}

fn text(value: &Value) -> Option<String> {
    Some(value.as_str()?.to_string())
}

fn list<T>(value: &Value, parse: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::Figures;

    #[test]
    fn what_is_read_is_what_was_written() {
        let text = sample().json().to_string();
        let read = Figures::parse(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(read, sample());
        assert_eq!(Figures::parse(&serde_json::json!({ "qik": "x" })), None);
    }
}
