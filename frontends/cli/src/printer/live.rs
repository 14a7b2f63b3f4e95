//! What runs now, at the foot of the terminal.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use qik_session::model::Name;

/// What runs now, at the foot of the terminal.
pub(super) struct Live {
    pub bars: MultiProgress,
    pub total: ProgressBar,
    pub running: BTreeMap<Name, ProgressBar>,
}

impl Live {
    pub fn new() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(12));
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed}");
        let total = bars.add(ProgressBar::new(0));
        if let Ok(style) = style {
            total.set_style(style);
        }
        total.enable_steady_tick(Duration::from_millis(250));
        Self { bars, total, running: BTreeMap::new() }
    }

    pub fn start(&mut self, name: Name) {
        if let Some(before) = self.running.remove(&name) {
            before.finish_and_clear();
        }
        let bar = self.bars.insert_before(&self.total, ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(name.to_string());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.running.insert(name, bar);
    }

    pub fn wait(&mut self, what: String) {
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            self.total.set_style(style);
        }
        self.total.set_message(what);
    }

    pub fn end(&mut self, name: &Name) {
        if let Some(bar) = self.running.remove(name) {
            bar.finish_and_clear();
        }
        self.total.inc(1);
    }
}
