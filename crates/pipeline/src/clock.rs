//! How long the stages of a run take.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tracing::info;

/// Seconds by stage.
pub struct Clock {
    /// Seconds since 1970-01-01 when it began.
    pub started_at: u64,
    start: Instant,
    last: Instant,
    laps: BTreeMap<String, f64>,
}

impl Clock {
    /// Begins to count.
    pub fn start() -> Clock {
        let now = Instant::now();
        let started_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Clock { started_at, start: now, last: now, laps: BTreeMap::new() }
    }

    /// Ends a stage.
    pub fn lap(&mut self, stage: &str) {
        let now = Instant::now();
        let seconds = (now - self.last).as_secs_f64();
        info!(stage, seconds = format!("{seconds:.2}"), "done");
        self.laps.insert(stage.to_owned(), seconds);
        self.last = now;
    }

    /// The stages, and the total.
    pub fn seconds(mut self) -> BTreeMap<String, f64> {
        self.laps.insert("total".to_owned(), self.start.elapsed().as_secs_f64());
        self.laps
    }
}
