//! `retention`: contractual cohorts, from the table of their survivors to what a customer is still worth.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use tillwise_core::figures::{fixed, grouped, percent};
use tillwise_core::schema::RETENTION;
use tillwise_mine::clv::{Fit, Retention as Model};
use tillwise_mine::MineError;
use tillwise_pipeline::PipelineError;
use tillwise_table::{assemble, write_table, Compression, TableError};

use crate::args::Retention;
use crate::commands::{print, Ended, Failure};

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

pub fn retention(args: &Retention) -> Result<Ended, Failure> {
    if !(1e-4..=10.0).contains(&args.discount) {
        return Err(Failure::Usage(format!(
            "--discount must be within 0.0001 to 10, as 0.1 for 10 % a period, but is {}",
            args.discount
        )));
    }
    let cohorts = read(&args.file)?;
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
    if let (true, Some(Fitted { sbg: Err(e), .. })) = (none_fitted, fitted.first()) {
        return Err(match e {
            MineError::NotConverged { .. } => Failure::NotConverged(e.to_string()),
            _ => Failure::Usage(format!("{}: {e}", args.file.display())),
        });
    }
    let failed = fitted
        .iter()
        .flat_map(|f| [&f.sbg, &f.bdw])
        .any(|fit| matches!(fit, Err(MineError::NotConverged { .. })));
    let write = |path: &Path, e| Failure::Write(path.to_owned(), e);
    fs::create_dir_all(&args.out).map_err(|e| write(&args.out, e))?;
    let path = args.out.join("retention.parquet");
    let table = table(&fitted, args).map_err(PipelineError::from)?;
    write_table(&path, table, Compression::Snappy, &[]).map_err(PipelineError::from)?;
    let report = json(&fitted);
    let json_path = args.out.join("retention.json");
    fs::write(&json_path, format!("{report:#}\n")).map_err(|e| write(&json_path, e))?;
    print(&page(&fitted, args))?;
    let line = serde_json::json!({
        "status": if failed { "model_failed" } else { "done" },
        "retention_parquet": path.display().to_string(),
        "retention_json": json_path.display().to_string(),
    });
    print(&format!("{line}\n"))?;
    Ok(if failed { Ended::ModelFailed } else { Ended::Done })
}

/// Cohorts by name, each a list of survivors by period.
fn read(path: &Path) -> Result<BTreeMap<String, Vec<f64>>, Failure> {
    let wrong = |problem: String| Failure::Usage(format!("{}: {problem}", path.display()));
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

fn table(fitted: &[Fitted], args: &Retention) -> Result<RecordBatch, TableError> {
    let rows: Vec<(&Fitted, usize)> = fitted
        .iter()
        .flat_map(|f| (0..f.survivors.len() + args.ahead as usize).map(move |t| (f, t)))
        .collect();
    let float = |f: &dyn Fn(&Fitted, usize) -> Option<f64>| {
        Arc::new(rows.iter().map(|(c, t)| f(c, *t).filter(|v| v.is_finite())).collect::<Float64Array>())
            as ArrayRef
    };
    let model = |which: Pick, f: fn(&Model, f64, f64) -> f64, from: usize| {
        float(&|c, t| {
            let (model, _) = which(c).as_ref().ok()?;
            (t >= from).then(|| f(model, t as f64, args.discount))
        })
    };
    let (sbg, bdw): (Pick, Pick) = (|c| &c.sbg, |c| &c.bdw);
    assemble(
        "retention",
        RETENTION,
        vec![
            ("cohort", Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.0.cohort)))),
            ("period", Arc::new(rows.iter().map(|r| r.1 as i32).collect::<Int32Array>())),
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

fn page(fitted: &[Fitted], args: &Retention) -> String {
    let mut t = String::new();
    for f in fitted {
        let seen = f.survivors.len().saturating_sub(1);
        let _ = writeln!(
            t,
            "Cohort {}: {} customers, {} left after {seen} renewals",
            f.cohort,
            grouped(f.survivors.first().copied().unwrap_or(0.0)),
            grouped(f.survivors.last().copied().unwrap_or(0.0))
        );
        for (name, fit) in [("sBG", &f.sbg), ("BdW", &f.bdw)] {
            match fit {
                Ok((model, fit)) => {
                    let parameters: Vec<String> = fit
                        .parameters
                        .iter()
                        .map(|p| {
                            let se = p
                                .standard_error
                                .map(|se| format!(" (se {})", fixed(se, 3)))
                                .unwrap_or_default();
                            format!("{} {}{se}", p.name, fixed(p.value, 3))
                        })
                        .collect();
                    let next = (seen + 1) as f64;
                    let _ = writeln!(
                        t,
                        "  {name}: {}; log-likelihood {}",
                        parameters.join(", "),
                        fixed(fit.log_likelihood, 2)
                    );
                    let _ = writeln!(
                        t,
                        "       a new customer is worth {} payments at {} a period, one up for renewal {next:.0} {}; {} are left after {}",
                        fixed(model.discounted_lifetime(args.discount), 2),
                        args.discount,
                        fixed(model.discounted_residual_lifetime(next, args.discount), 2),
                        percent(model.survival((seen + args.ahead as usize) as f64)),
                        seen + args.ahead as usize
                    );
                    for warning in fit.warnings() {
                        let _ = writeln!(t, "       note: {warning}");
                    }
                }
                Err(e) => {
                    let _ = writeln!(t, "  {name}: not fitted: {e}");
                }
            }
        }
    }
    t
}
