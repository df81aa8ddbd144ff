//! Contractual cohorts, from the table of their survivors to what a customer is still worth.

pub mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;
use tillwise_mine::MineError;
use tillwise_mine::clv::{Fit, Retention as Model};
use tillwise_report::{Cell, Section};
use tillwise_table::TableError;

use super::{OfTable, TableDone};
use crate::analyses::{Done, Made, floats, ints, make, texts};
use crate::{NotDone, PipelineError};
use schema::RETENTION;

/// The name of all cohorts together.
const ALL: &str = "all";

type Outcome = Result<(Model, Fit), MineError>;

/// One of the two models of a cohort.
type Pick = fn(&Fitted) -> &Outcome;

/// A cohort with what was fitted to it.
struct Fitted {
    cohort: String,
    survivors: Vec<f64>,
    sbg: Outcome,
    bdw: Outcome,
}

/// What one call of `tillwise retention` asks for.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// Periods to look ahead.
    pub ahead: u32,
    /// Discount rate of a period, from 0.0001 to 10.
    pub discount: f64,
}

impl OfTable for Settings {
    const NAME: &'static str = "retention";

    fn run(&self, file: &Path, work: &Path) -> Result<TableDone, NotDone> {
        if !(1e-4..=10.0).contains(&self.discount) {
            let problem =
                format!("must be within 0.0001 to 10, as 0.1 for 10 % a period, but is {}", self.discount);
            return Err(PipelineError::Setting { key: "--discount".to_owned(), problem }.into());
        }
        let cohorts = read(file)?;
        let mut fitted: Vec<Fitted> = cohorts
            .iter()
            .map(|(name, survivors)| {
                let one = std::slice::from_ref(survivors);
                Fitted {
                    cohort: name.clone(),
                    survivors: survivors.clone(),
                    sbg: Model::fit_sbg(one),
                    bdw: Model::fit_bdw(one),
                }
            })
            .collect();
        if cohorts.len() > 1 {
            let all: Vec<Vec<f64>> = cohorts.values().cloned().collect();
            // What is left of all of them is known as long as the one seen shortest.
            let shortest = all.iter().map(Vec::len).min().unwrap_or(0);
            let survivors = (0..shortest).map(|t| all.iter().map(|c| c[t]).sum()).collect();
            fitted.push(Fitted {
                cohort: ALL.to_owned(),
                survivors,
                sbg: Model::fit_sbg(&all),
                bdw: Model::fit_bdw(&all),
            });
        }
        // Cohorts that no model fits are said so; if that is all of them, there is nothing to write.
        let none_fitted = fitted.iter().all(|f| f.sbg.is_err() && f.bdw.is_err());
        if none_fitted {
            let first = fitted.into_iter().next().and_then(|f| f.sbg.err());
            return Err(
                first.map_or_else(|| PipelineError::defect("retention", "no cohort").into(), NotDone::from)
            );
        }
        let model_failed = fitted
            .iter()
            .flat_map(|f| [&f.sbg, &f.bdw])
            .any(|fit| matches!(fit, Err(MineError::NotConverged { .. })));
        let report = json(&fitted);
        let path = work.join("retention.json");
        fs::write(&path, format!("{report:#}\n")).map_err(|source| PipelineError::Write { path, source })?;
        let done = Done {
            columns: Vec::new(),
            tables: vec![table(&fitted, self)?],
            report,
            told: fitted.iter().map(|f| tell(f, self)).collect(),
            warnings: Vec::new(),
        };
        let line =
            [("cohorts", fitted.len())].map(|(key, n)| (key.to_owned(), n.into())).into_iter().collect();
        Ok(TableDone { done, model_failed, line })
    }
}

/// Cohorts by name, each a list of survivors by period.
fn read(path: &Path) -> Result<BTreeMap<String, Vec<f64>>, PipelineError> {
    let wrong = |problem: String| PipelineError::Setting { key: path.display().to_string(), problem };
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(|e| wrong(e.to_string()))?;
    let heads = reader.headers().map_err(|e| wrong(e.to_string()))?.clone();
    let column =
        |name: &str| heads.iter().position(|h| h.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name));
    let missing = |name: &str| {
        wrong(format!("there is no column `{name}`; it needs period and survivors, and may have cohort"))
    };
    let (period, survivors) = (
        column("period").ok_or_else(|| missing("period"))?,
        column("survivors").ok_or_else(|| missing("survivors"))?,
    );
    let cohort = column("cohort");
    let mut found: BTreeMap<String, BTreeMap<u32, f64>> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|e| wrong(e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let text = |i: usize| record.get(i).unwrap_or_default();
        let name = cohort.map_or("cohort", text).to_owned();
        let at: u32 = text(period).parse().ok().filter(|p| *p <= 10_000).ok_or_else(|| {
            wrong(format!("line {line}: the period `{}` is not a whole number from 0", text(period)))
        })?;
        let left: f64 =
            text(survivors).parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0).ok_or_else(|| {
                wrong(format!("line {line}: the survivors `{}` are not a number from 0", text(survivors)))
            })?;
        if found.entry(name.clone()).or_default().insert(at, left).is_some() {
            return Err(wrong(format!("line {line}: cohort `{name}` has period {at} twice")));
        }
    }
    if found.is_empty() {
        return Err(wrong("there is no row below the header".to_owned()));
    }
    if cohort.is_some() && found.contains_key(ALL) && found.len() > 1 {
        return Err(wrong(format!(
            "a cohort is named `{ALL}`, which stands for all of them; give it another name"
        )));
    }
    found
        .into_iter()
        .map(|(name, periods)| {
            let missing = (0..periods.len() as u32).find(|p| !periods.contains_key(p));
            match missing {
                Some(p) => {
                    Err(wrong(format!("cohort `{name}` has no period {p}; periods run from 0 without gaps")))
                }
                None => {
                    let survivors: Vec<f64> = periods.into_values().collect();
                    match survivors.windows(2).position(|w| w[1] > w[0]) {
                        Some(p) => Err(wrong(format!(
                            "cohort `{name}` rises from {} to {} at period {}; survivors never come back",
                            survivors[p],
                            survivors[p + 1],
                            p + 1
                        ))),
                        None => Ok((name, survivors)),
                    }
                }
            }
        })
        .collect()
}

fn table(fitted: &[Fitted], settings: &Settings) -> Result<Made, TableError> {
    let rows: Vec<(&Fitted, usize)> = fitted
        .iter()
        .flat_map(|f| (0..f.survivors.len() + settings.ahead as usize).map(move |t| (f, t)))
        .collect();
    let float = |f: &dyn Fn(&Fitted, usize) -> Option<f64>| floats(rows.iter().map(|(c, t)| f(c, *t)));
    let model = |which: Pick, f: fn(&Model, f64, f64) -> f64, from: usize| {
        float(&|c, t| {
            let (model, _) = which(c).as_ref().ok()?;
            (t >= from).then(|| f(model, t as f64, settings.discount))
        })
    };
    let (sbg, bdw): (Pick, Pick) = (|c| &c.sbg, |c| &c.bdw);
    make(
        &RETENTION,
        vec![
            ("cohort", texts(rows.iter().map(|r| Some(&r.0.cohort)))),
            ("period", ints(rows.iter().map(|r| r.1 as i32))),
            ("survivors", float(&|c, t| c.survivors.get(t).copied())),
            ("survival", float(&|c, t| Some(c.survivors.get(t)? / c.survivors.first()?))),
            ("survival_sbg", model(sbg, |m, t, _| m.survival(t), 0)),
            ("survival_bdw", model(bdw, |m, t, _| m.survival(t), 0)),
            ("retention_sbg", model(sbg, |m, t, _| m.retention(t), 1)),
            ("retention_bdw", model(bdw, |m, t, _| m.retention(t), 1)),
            ("residual_payments_sbg", model(sbg, |m, t, d| m.discounted_residual_lifetime(t, d), 1)),
            ("residual_payments_bdw", model(bdw, |m, t, d| m.discounted_residual_lifetime(t, d), 1)),
        ],
    )
}

fn json(fitted: &[Fitted]) -> serde_json::Value {
    let of = |fit: &Outcome| match fit {
        Ok((_, fit)) => serde_json::json!(fit),
        Err(e) => serde_json::json!({ "problem": e.to_string() }),
    };
    fitted
        .iter()
        .map(|f| {
            (f.cohort.clone(), serde_json::json!({ "sbg": of(&f.sbg), "beta_discrete_weibull": of(&f.bdw) }))
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// What is told of a cohort.
fn tell(f: &Fitted, settings: &Settings) -> Section {
    let mut section = Section::new("retention");
    let seen = f.survivors.len().saturating_sub(1);
    let ahead = seen + settings.ahead as usize;
    section.say(
        "cohort_left",
        vec![
            ("cohort", Cell::text(&f.cohort)),
            ("customers", Cell::Count(f.survivors.first().copied().unwrap_or(f64::NAN))),
            ("left", Cell::Count(f.survivors.last().copied().unwrap_or(f64::NAN))),
            ("renewals", Cell::count(seen)),
        ],
    );
    for (name, fit) in [("sbg", &f.sbg), ("bdw", &f.bdw)] {
        let (model, fit) = match fit {
            Ok(fitted) => fitted,
            Err(e) => {
                let values = vec![("model", Cell::word(name)), ("why", Cell::text(e.to_string()))];
                section.say("retention_not_fitted", values);
                continue;
            }
        };
        let next = (seen + 1) as f64;
        section.say(
            "retention_fit",
            vec![
                ("model", Cell::word(name)),
                (
                    "parameters",
                    Cell::List(
                        fit.parameters
                            .iter()
                            .map(|p| {
                                let error =
                                    p.standard_error.map(|e| format!(" (se {e:.3})")).unwrap_or_default();
                                Cell::text(format!("{} {:.3}{error}", p.name, p.value))
                            })
                            .collect(),
                    ),
                ),
                ("log_likelihood", Cell::Number(fit.log_likelihood, 2)),
            ],
        );
        section.say(
            "retention_worth",
            vec![
                ("new", Cell::Number(model.discounted_lifetime(settings.discount), 2)),
                ("discount", Cell::text(settings.discount.to_string())),
                ("next", Cell::Count(next)),
                ("residual", Cell::Number(model.discounted_residual_lifetime(next, settings.discount), 2)),
                ("survival", Cell::Share(model.survival(ahead as f64))),
                ("ahead", Cell::count(ahead)),
            ],
        );
        for warning in fit.warnings() {
            section.say("note", vec![("of", Cell::word(name)), ("note", Cell::from(warning))]);
        }
    }
    section
}
