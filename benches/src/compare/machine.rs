//! On what the figures were taken.

use std::process::Command;

use serde_json::{Value, json};

/// A machine, and the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The name of its processor.
    pub processor: String,
    /// How many things it does at a time.
    pub cores: usize,
    /// Gibibytes of memory.
    pub memory: u64,
    /// The system and its version.
    pub system: String,
    /// Year, month and day.
    pub date: String,
}

impl Machine {
    /// This one, today.
    pub fn this() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim());
            value.unwrap_or("unknown").to_string()
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let kibibytes: u64 =
            memory.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or_default();
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: kibibytes.div_ceil(1 << 20),
            system: said("uname", &["-s"]),
            date: said("date", &["-u", "+%F"]),
        }
    }

    /// As an object.
    pub fn json(&self) -> Value {
        json!({
            "processor": self.processor,
            "cores": self.cores,
            "memory-gib": self.memory,
            "system": self.system,
            "date": self.date,
        })
    }

    /// Out of an object that [`Machine::json`] made.
    pub fn parse(value: &Value) -> Option<Self> {
        let text = |key: &str| Some(value[key].as_str()?.to_string());
        Some(Self {
            processor: text("processor")?,
            cores: usize::try_from(value["cores"].as_u64()?).ok()?,
            memory: value["memory-gib"].as_u64()?,
            system: text("system")?,
            date: text("date")?,
        })
    }
}

/// The first line that a program prints; empty where it does not run.
pub(super) fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default().lines().next().unwrap_or_default().trim().to_string()
}
