//! Whether customers are still those of an earlier run, or of the models that score them.

mod schema;
mod settings;
mod tell;

use serde::{Deserialize, Serialize};
use tillwise_core::{Day, Parameters};
use tillwise_mine::drift::{Reference, Shift};
use tillwise_mine::stats::holm;

use super::{Context, Done, booleans, counts, floats, make, maybe_days, texts};
use crate::NotDone;
use crate::analysis::Analysis;
use schema::DRIFT;
pub use settings::Settings;

/// Whether customers are still those of an earlier run.
pub const ANALYSIS: Analysis = Analysis {
    name: "drift",
    about: "Only drift: whether customers are still those of an earlier run",
    manual: include_str!("manual.toml"),
    proposes: &["false_alarms"],
    tables: schema::TABLES,
    has_model: true,
    looks_back: |_| true,
    run,
    ..Analysis::NONE
};

/// The customers that later ones are held against, column by column.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    columns: Vec<KeptColumn>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptColumn {
    column: String,
    reference: Reference,
}

impl Parameters for Kept {
    const KIND: &'static str = "drift";
    const VERSION: u32 = 1;

    fn check(&self) -> Result<(), String> {
        self.columns.iter().try_for_each(|c| c.reference.check().map_err(|e| format!("{}: {e}", c.column)))
    }
}

/// A column and how far it moved.
pub struct Row {
    column: String,
    reference_customers: u64,
    shift: Shift,
    p_adjusted: f64,
    alarm: bool,
}

/// Columns with an alarm, for the gate.
#[derive(Serialize)]
struct Found<'a> {
    reference_as_of: Option<Day>,
    alarms: Vec<&'a str>,
}

fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let settings = &context.config.drift;
    let suits = |kept: &Kept| kept.columns.iter().map(|c| &c.column).eq(&settings.columns);
    // Held against the last reference even where it is too old to be kept.
    let last = context.last::<Kept>().and_then(Result::ok);
    let kept = context.reused(settings.reference_days, suits);
    let (model, ()) = context.model(kept, || {
        let columns = settings.columns.iter().map(|column| {
            let values = context.customers.f64s(column)?;
            Ok(KeptColumn { column: column.clone(), reference: Reference::of(&values, settings.bins) })
        });
        let columns = columns.collect::<Result<_, NotDone>>()?;
        Ok((Kept { columns }, ()))
    })?;
    // Fitted here, it says nothing of today's customers.
    let reference = last.or((model.fitted_as_of != Some(context.as_of)).then_some(model));
    let mut rows: Vec<Row> = Vec::new();
    for kept in reference.iter().flat_map(|file| &file.parameters.columns) {
        let shift = context.customers.f64s(&kept.column).ok().and_then(|v| kept.reference.shift(&v));
        rows.extend(shift.map(|shift| Row {
            column: kept.column.clone(),
            reference_customers: kept.reference.customers(),
            shift,
            p_adjusted: f64::NAN,
            alarm: false,
        }));
    }
    let adjusted = holm(&rows.iter().map(|r| r.shift.p_value).collect::<Vec<_>>());
    for (row, p) in rows.iter_mut().zip(adjusted) {
        row.p_adjusted = p;
        row.alarm = p < settings.false_alarms && row.shift.distance >= settings.least_distance;
    }
    let as_of = reference.and_then(|file| file.fitted_as_of);
    let of = |value: fn(&Row) -> f64| floats(rows.iter().map(move |r| Some(value(r))));
    let table = make(
        &DRIFT,
        vec![
            ("column", texts(rows.iter().map(|r| Some(&r.column)))),
            ("reference_as_of", maybe_days(rows.iter().map(|_| as_of))),
            ("reference_customers", counts(rows.iter().map(|r| Some(r.reference_customers)))),
            ("customers", counts(rows.iter().map(|_| Some(context.customers.rows() as u64)))),
            ("psi", of(|r| r.shift.psi)),
            ("psi_unchanged", of(|r| r.shift.psi_unchanged)),
            ("p_value", of(|r| r.shift.p_value)),
            ("p_adjusted", of(|r| r.p_adjusted)),
            ("distance", of(|r| r.shift.distance)),
            ("alarm", booleans(rows.iter().map(|r| Some(r.alarm)))),
        ],
    )?;
    let alarms = rows.iter().filter(|r| r.alarm).map(|r| r.column.as_str()).collect();
    Ok(Done {
        columns: Vec::new(),
        report: serde_json::to_value(Found { reference_as_of: as_of, alarms })?,
        told: vec![tell::tell(&rows, as_of, settings.false_alarms)],
        warnings: Vec::new(),
        tables: vec![table],
    })
}
