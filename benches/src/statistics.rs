//! Medians and spreads of measured times.

use std::fmt;
use std::time::Duration;

/// Times of the same thing.
#[derive(Clone, Debug)]
pub struct Sample(Vec<Duration>);

impl Sample {
    /// A sample of these times, in any order.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty());
        times.sort();
        Self(times)
    }

    /// The one in the middle.
    pub fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    /// The one that `percent` of a hundred do not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() - 1) * percent / 100]
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let points = [0, 10, 90, 100].map(|percent| ms(self.percentile(percent)));
        let [least, low, high, most] = points;
        let median = ms(self.median());
        write!(f, "{median:8.1} ms  (min {least:.1}, p10 {low:.1}, p90 {high:.1}, max {most:.1})")
    }
}

/// The middle one of some ratios.
///
/// # Panics
/// If there are none.
pub fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Sample, median};

    #[test]
    fn order_does_not_matter() {
        let sample = Sample::new([5, 1, 3, 2, 4].map(Duration::from_millis).to_vec());
        assert_eq!(sample.median(), Duration::from_millis(3));
        assert_eq!(sample.percentile(0), Duration::from_millis(1));
        assert_eq!(sample.percentile(100), Duration::from_millis(5));
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
