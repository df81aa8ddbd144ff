//! Data-quality gates: when a run fails rather than publishes.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use tillwise_core::Day;
use tillwise_ingest::Quality;
use tillwise_store::Output;

use crate::RunRecord;
use crate::config::{Gates, OnDrift};

/// The gate that fails, and what it found.
pub fn failed_gate(gates: &Gates, quality: &Quality, output: &Output) -> Option<(&'static str, String)> {
    let share = quality.reject_share();
    if share > gates.max_reject_share {
        let reasons: Vec<String> =
            quality.rejected_by_reason.iter().map(|(r, n)| format!("{r} {n}")).collect();
        return Some((
            "max_reject_share",
            format!(
                "{:.1} % of {} rows were rejected ({}), more than the {:.1} % allowed",
                100.0 * share,
                quality.rows_read,
                reasons.join(", "),
                100.0 * gates.max_reject_share
            ),
        ));
    }
    // A file or a month may be lost while the total looks well.
    let unreadable = |what: &str, bad: u64, rows: u64| {
        let share = bad as f64 / rows.max(1) as f64;
        (rows >= 20 && share > gates.max_unreadable_share).then(|| {
            (
                "max_unreadable_share",
                format!("{what}: {bad} of {rows} rows hold something that cannot be read; look at the rejects, and mend [input]"),
            )
        })
    };
    let of_file = quality.files.iter().find_map(|f| unreadable(&f.file, f.unreadable, f.rows));
    let of_month =
        || quality.months.iter().find_map(|m| unreadable(&m.month, m.unreadable, m.accepted + m.unreadable));
    if let Some(found) = of_file.or_else(of_month) {
        return Some(found);
    }
    if let (Some(least), Some(last)) = (gates.min_rows_vs_last, output.current_record()) {
        let before = last["quality"]["rows_accepted"].as_u64().unwrap_or(0);
        if (quality.rows_accepted as f64) < least * before as f64 {
            return Some((
                "min_rows_vs_last",
                format!(
                    "{} rows were accepted, and {before} in the last run: less than the share of {least} asked for",
                    quality.rows_accepted
                ),
            ));
        }
    }
    quality.last_date.and_then(|last| too_old(gates, last)).map(|found| ("max_age_days", found))
}

/// What drifted, where that is to fail a run.
pub fn drifted(gates: &Gates, record: &RunRecord) -> Option<String> {
    if gates.drift != OnDrift::Fail {
        return None;
    }
    let found = record.analyses.get("drift")?.report.as_ref()?;
    let alarms: Vec<&str> = found["alarms"].as_array()?.iter().filter_map(|a| a.as_str()).collect();
    let since = found["reference_as_of"].as_str().unwrap_or_default();
    (!alarms.is_empty()).then(|| {
        format!(
            "customers are others than on {since} by {}: see drift.parquet; if that is meant, `drift = \"warn\"` publishes",
            alarms.join(", ")
        )
    })
}

/// What is wrong, if the last order is older than allowed.
pub fn too_old(gates: &Gates, last: Day) -> Option<String> {
    let most = gates.max_age_days?;
    let today = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| (d.as_secs() / 86_400) as i32);
    let age = Day(today).since(last);
    // Zones are less than a day apart.
    if age < -1 {
        return Some(format!(
            "the clock says {}, before the last order, of {last}; set it, or check the dates",
            Day(today)
        ));
    }
    (age > most).then(|| format!("the last order is of {last}, {age} days ago, and {most} are allowed"))
}

/// The day of the last order of a published run.
pub fn last_date_of(run: &Path) -> Option<Day> {
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(run.join("run.json")).ok()?).ok()?;
    record["quality"]["last_date"].as_str()?.parse().ok()
}
