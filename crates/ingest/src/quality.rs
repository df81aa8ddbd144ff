//! The data-quality summary of an ingest.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tillwise_core::told::Message;
use tillwise_core::{Day, SCALE, message};

use crate::Plan;
use crate::rows::{CARRIED, PARTS, Reason, Stats};
use crate::settle::RepeatCounts;

/// What was read, what was accepted, and what the accepted lines add up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Rows read: accepted and rejected.
    pub rows_read: u64,
    /// Rows accepted.
    pub rows_accepted: u64,
    /// Rows rejected.
    pub rows_rejected: u64,
    /// Rejected rows by reason.
    pub rejected_by_reason: BTreeMap<String, u64>,
    /// Blank lines; they are not rows.
    pub blank_lines: u64,
    /// Accepted lines that take money back.
    pub return_lines: u64,
    /// Accepted rows that repeat another row of their file, whether dropped or kept.
    pub repeats_within_file: u64,
    /// Accepted rows that an earlier file has too, whether dropped or kept.
    pub repeats_across_files: u64,
    /// Those of them that the later file has with other values: the later ones count.
    pub changed_across_files: u64,
    /// First accepted day.
    pub first_date: Option<Day>,
    /// Last accepted day.
    pub last_date: Option<Day>,
    /// Money of accepted sales.
    pub gross_revenue: f64,
    /// Money of accepted returns, as a positive number.
    pub returns_value: f64,
    /// Units of accepted sales.
    pub units: f64,
    /// Share of accepted rows without a value, for each optional column that is mapped.
    pub null_share: BTreeMap<String, f64>,
    /// The currency, where a column gives it.
    pub currency: Option<String>,
    /// Things that look wrong.
    pub warnings: Vec<Message>,
    /// Rows of each month, and how many of them could not be read.
    pub months: Vec<MonthQuality>,
    /// The same accounting by file.
    pub files: Vec<FileQuality>,
}

/// The rows of one month.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MonthQuality {
    /// The month, as `2011-12`.
    pub month: String,
    /// Rows accepted.
    pub accepted: u64,
    /// Rows of a day of it with another value that could not be read.
    pub unreadable: u64,
}

/// The accounting of one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileQuality {
    /// Its name.
    pub file: String,
    /// Rows read.
    pub rows: u64,
    /// Rows accepted.
    pub accepted: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// Those of them with a value that could not be read.
    pub unreadable: u64,
}

impl Quality {
    pub(crate) fn new(
        plan: &Plan,
        stats: Stats,
        files: Vec<FileQuality>,
        by_reason: &BTreeMap<Reason, u64>,
        repeats: RepeatCounts,
        month_rows: &BTreeMap<i32, u64>,
        notes: Vec<Message>,
    ) -> Quality {
        let mapped = plan.columns.by_part();
        let null_share = CARRIED
            .iter()
            .zip(stats.nulls)
            .filter(|(part, _)| mapped[**part as usize].is_some())
            .map(|(part, nulls)| (PARTS[*part as usize].1.to_owned(), nulls as f64 / stats.accepted as f64))
            .collect();
        Quality {
            rows_read: stats.rows,
            rows_accepted: stats.accepted,
            rows_rejected: stats.rows - stats.accepted,
            rejected_by_reason: by_reason.iter().map(|(r, n)| (r.code().to_owned(), *n)).collect(),
            blank_lines: stats.blank,
            return_lines: stats.returns,
            repeats_within_file: repeats.within,
            repeats_across_files: repeats.across,
            changed_across_files: repeats.changed,
            first_date: stats.first,
            last_date: stats.last,
            gross_revenue: stats.gross as f64 / SCALE as f64,
            returns_value: stats.returned as f64 / SCALE as f64,
            units: stats.units as f64 / SCALE as f64,
            null_share,
            currency: stats.currency,
            warnings: notes
                .into_iter()
                .chain((repeats.changed > 0).then(|| message!("rows_changed", rows = repeats.changed)))
                .chain(mixed_offsets(&stats.offsets))
                .chain(stray_dates(month_rows, stats.accepted))
                .collect(),
            months: by_month(month_rows, &stats.unreadable),
            files,
        }
    }

    /// The share of rows that was rejected.
    pub fn reject_share(&self) -> f64 {
        self.rows_rejected as f64 / self.rows_read.max(1) as f64
    }
}

/// The rows of every month that has any.
pub(crate) fn by_month(accepted: &BTreeMap<i32, u64>, unreadable: &BTreeMap<i32, u64>) -> Vec<MonthQuality> {
    let months: std::collections::BTreeSet<i32> = accepted.keys().chain(unreadable.keys()).copied().collect();
    let rows = |of: &BTreeMap<i32, u64>, month: i32| of.get(&month).copied().unwrap_or(0);
    months
        .into_iter()
        .map(|m| MonthQuality {
            month: Day::month_name(m),
            accepted: rows(accepted, m),
            unreadable: rows(unreadable, m),
        })
        .collect()
}

/// Dates of places that are more than summer time apart count on days that did not begin together.
fn mixed_offsets(offsets: &BTreeSet<Option<i32>>) -> Option<Message> {
    let told: Vec<i32> = offsets.iter().flatten().copied().collect();
    let (first, last) = (*told.first()?, *told.last()?);
    let silent = offsets.contains(&None);
    if last - first <= 60 && !silent {
        return None;
    }
    let shown = |minutes: i32| {
        format!("{}{:02}:{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60)
    };
    let (kinds, first, last) = (told.len(), shown(first), shown(last));
    Some(if silent {
        message!("mixed_offsets_and_none", kinds = kinds, first = first, last = last)
    } else {
        message!("mixed_offsets", kinds = kinds, first = first, last = last)
    })
}

/// A handful of rows far from all others is a typing error, and as the last day it would move every score.
fn stray_dates(month_rows: &BTreeMap<i32, u64>, accepted: u64) -> Vec<Message> {
    const FAR_MONTHS: i32 = 6;
    let few = (accepted / 1000).max(1);
    let months: Vec<(i32, u64)> = month_rows.iter().map(|(m, n)| (*m, *n)).collect();
    let mut warnings = Vec::new();
    for (i, pair) in months.windows(2).enumerate() {
        let ((before, _), (after, _)) = (pair[0], pair[1]);
        if after - before <= FAR_MONTHS {
            continue;
        }
        let late: u64 = months[i + 1..].iter().map(|m| m.1).sum();
        let early: u64 = months[..=i].iter().map(|m| m.1).sum();
        let (before, after) = (Day::month_name(before), Day::month_name(after));
        if late <= few {
            warnings.push(message!("stray_late", rows = late, from = after, since = before));
        } else if early <= few {
            warnings.push(message!("stray_early", rows = early, to = before, until = after));
        }
    }
    warnings
}
