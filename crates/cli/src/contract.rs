//! `contract`: who leaves, where a contract says so: a table with a label, attributes, and perhaps a tenure.

use std::collections::BTreeMap;
use std::fs;

use arrow::array::RecordBatch;
use tillwise_core::figures::{fixed, grouped, percent};
use tillwise_core::schema::{CONTRACT_CUSTOMERS, COX as COX_COLUMNS, SURVIVAL, SURVIVAL_TESTS};
use tillwise_core::{Day, ModelFile};
use tillwise_mine::churn::survival::{kaplan_meier, log_rank, median_time, Cox, LogRank, Step, Times};
use tillwise_mine::churn::train::clean;
use tillwise_mine::churn::{deciles, train, Churn, Examples, Feature, Judge, Trained, Values, UNKNOWN};
use tillwise_mine::stats::correlation;
use tillwise_mine::MineError;
use tillwise_pipeline::churn::{draw, from_report, read_csv, rules, target_table, Columns, Raw, Scores};
use tillwise_pipeline::columns::{booleans, counts, floats, ints, texts};
use tillwise_pipeline::{Churn as Settings, ChurnModel, PipelineError};
use tillwise_table::{assemble, write_table, Compression, TableError};

use crate::args::Contract;
use crate::commands::{print, Ended, Failure};
use crate::summary::judged_models;

/// Texts that say that nothing is known.
const BLANKS: [&str; 7] = ["NA", "N/A", "n/a", "NaN", "nan", "null", "?"];

/// Values of a category that are compared as groups and as covariates, at most.
const MOST_GROUPS: usize = 10;

pub fn contract(args: &Contract) -> Result<Ended, Failure> {
    let wrong = |problem: String| Failure::Usage(format!("{}: {problem}", args.file.display()));
    let (header, rows) = read_csv(&args.file, "the table").map_err(Failure::Pipeline)?;
    let column = |name: &str| {
        header
            .iter()
            .position(|h| h == name)
            .ok_or_else(|| wrong(format!("there is no column `{name}`; there are {}", header.join(", "))))
    };
    let label = column(&args.label)?;
    let id = args.id.as_deref().map(column).transpose()?;
    let tenure = args.tenure.as_deref().map(column).transpose()?;
    let dropped = args.ignore.iter().map(|name| column(name)).collect::<Result<Vec<_>, _>>()?;
    let field = |row: &Vec<String>, i: usize| row.get(i).cloned().unwrap_or_default();
    let churned = labels(&rows, label, args).map_err(wrong)?;
    let ids: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(i, row)| id.map_or_else(|| (i + 1).to_string(), |id| field(row, id)))
        .collect();
    for (what, names) in [("columns", &header), ("ids", &ids)] {
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        if let Some(twice) = sorted.windows(2).find(|w| w[0] == w[1]) {
            return Err(wrong(format!("two {what} are `{}`; each must be its own", twice[0])));
        }
    }
    let mut features = Columns::default();
    for (i, name) in header.iter().enumerate() {
        if i == label || Some(i) == id || dropped.contains(&i) {
            continue;
        }
        let known = |t: String| if BLANKS.contains(&t.as_str()) { String::new() } else { t };
        let texts: Vec<String> = rows.iter().map(|row| known(field(row, i))).collect();
        let number = |t: &String| t.parse::<f64>().ok().filter(|v| v.is_finite());
        let named = texts.iter().filter(|t| !t.is_empty()).count();
        let odd = texts.iter().enumerate().filter(|(_, t)| !t.is_empty() && number(t).is_none());
        let few = 20 * odd.clone().count() <= named;
        if let Some((row, text)) = odd.clone().next().filter(|_| few) {
            return Err(wrong(format!(
                "row {}: `{text}` in `{name}` is no number, and nearly all others are; mend it, leave it blank, or --ignore {name}",
                row + 2
            )));
        }
        let raw = if texts.iter().all(|t| t.is_empty() || number(t).is_some()) {
            Raw::Number(texts.iter().map(|t| number(t).unwrap_or(f64::NAN)).collect())
        } else {
            Raw::Text(texts)
        };
        features.0.push((name.clone(), raw));
    }
    let (features, columns) = features.learn();
    let mut examples = Examples { features, columns, churned, ..Examples::default() };
    let mine = |e: MineError| match e {
        MineError::Data { .. } | MineError::Parameter { .. } => wrong(e.to_string()),
        MineError::NotConverged { .. } => Failure::NotConverged(format!("{}: {e}", args.file.display())),
        other => Failure::Pipeline(PipelineError::defect("a table of contracts", other)),
    };
    let too_few = match examples.check("in the table") {
        Ok(()) => None,
        // A curve of survival needs no model.
        Err(e @ MineError::Data { .. }) if tenure.is_some() => Some(e.to_string()),
        Err(e) => return Err(mine(e)),
    };
    let warnings = clean(&mut examples);
    if examples.features.is_empty() && tenure.is_none() {
        return Err(wrong("no column is left to learn from".to_owned()));
    }
    let time = tenure.map(|at| numbers(&rows, at, &header[at])).transpose().map_err(wrong)?;
    let values = match &args.value {
        None => vec![1.0; examples.len()],
        Some(name) => numbers(&rows, column(name)?, name).map_err(wrong)?,
    };
    let (mut tables, mut said) = (Vec::new(), Vec::new());
    let learned = match &too_few {
        None if !examples.features.is_empty() => {
            Some(learn(args, &examples, &ids, &values, warnings.clone(), &mine)?)
        }
        _ => None,
    };
    if let Some((tenure, time)) = tenure.zip(time) {
        let times = Times { time: &time, left: &examples.churned };
        survival(times, &examples, &header[tenure], &mut tables, &mut said, &mine)?;
    }
    fs::create_dir_all(&args.out).map_err(|e| Failure::Write(args.out.clone(), e))?;
    let learned_tables = learned.as_ref().map(|l| l.tables.clone()).unwrap_or_default();
    for (name, batch) in learned_tables.into_iter().chain(tables) {
        let path = args.out.join(name);
        write_table(&path, batch, Compression::Snappy, &[]).map_err(PipelineError::from)?;
    }

    let churners = examples.churners();
    let mut page = format!(
        "Tillwise: {} customers, of whom {} left ({})\n",
        grouped(examples.len() as f64),
        grouped(churners as f64),
        percent(churners as f64 / examples.len() as f64)
    );
    match &learned {
        Some(learned) => {
            learned.file.save(&args.out).map_err(PipelineError::from)?;
            draw(&learned.file.parameters, &args.out)?;
            learned.say(&mut page);
        }
        None => {
            let why = too_few.as_deref().unwrap_or("no column is left to learn from");
            page.push_str(&format!("No model of who leaves: {why}\n"));
        }
    }
    for line in said {
        page.push_str(&format!("\n{line}"));
    }
    if let Some(learned) = &learned {
        page.push_str(&format!(
            "\n\nAn offer pays for {} customers who are still there: churn_targets",
            grouped(learned.worth as f64)
        ));
    }
    page.push('\n');
    for warning in learned.as_ref().map_or(&warnings, |l| &l.warnings) {
        page.push_str(&format!("note: {warning}\n"));
    }
    page.push_str(&format!("\nFiles: {}\n", args.out.display()));
    let line = serde_json::json!({
        "status": "done",
        "customers": examples.len(),
        "left": churners,
        "model": learned.as_ref().map(|l| l.file.report["model"].clone()),
        "out": args.out.display().to_string(),
    });
    print(&format!("{page}{line}\n"))?;
    Ok(Ended::Done)
}

/// A model of who leaves, and its tables.
struct Learned {
    file: ModelFile<Churn>,
    tables: Vec<(&'static str, RecordBatch)>,
    /// Customers whom an offer pays for.
    worth: usize,
    warnings: Vec<String>,
}

impl Learned {
    /// How it was judged, and its first rules.
    fn say(&self, page: &mut String) {
        for line in judged_models(&self.file.report) {
            page.push_str(&format!("  {line}\n"));
        }
        let parameters = &self.file.parameters;
        let rules = parameters.tree.rules(&parameters.features, &parameters.blanks);
        page.push_str(&format!("\nThe first of {} rules, the whole tree in churn_tree.svg:\n", rules.len()));
        for rule in rules.iter().take(10) {
            page.push_str(&format!(
                "  {:>3}. {:>7} of {:>5}  {}\n",
                rule.id,
                percent(rule.probability),
                rule.rows,
                rule.words
            ));
        }
    }
}

/// Learns who leaves, judged in folds, and whom an offer pays for.
fn learn(
    args: &Contract,
    examples: &Examples,
    ids: &[String],
    values: &[f64],
    mut warnings: Vec<String>,
    mine: &dyn Fn(MineError) -> Failure,
) -> Result<Learned, Failure> {
    let settings = Settings {
        model: args.model.map_or(Settings::default().model, |kind| kind.0),
        offer_cost: args.offer_cost,
        response_rate: args.response_rate,
        value_saved: 1.0,
        budget: args.budget,
        ..Settings::default()
    };
    settings.check().map_err(Failure::Pipeline)?;
    let names: Vec<String> = examples.features.iter().map(|f| f.name.clone()).collect();
    let how = settings.train(&names, args.seed);
    let Trained { model, mut report, judged: unseen } =
        train(examples, Judge::Folds(values), &[], &how).map_err(mine)?;
    warnings.append(&mut report.warnings);
    report.warnings.clone_from(&warnings);
    let probabilities = model.score(&examples.columns);
    let scores = Scores { explained: model.explain(&examples.columns, 3), probabilities };
    let mut tables = vec![
        ("contract_customers.parquet", customers(ids, examples, &scores, &unseen)?),
        ("churn_rules.parquet", rules(&model, &scores, values)?),
    ];
    // Who has left cannot be kept.
    let staying: Vec<usize> = (0..examples.len()).filter(|i| !examples.churned[*i]).collect();
    let still = Scores {
        // By models that have not seen them: one that has, has been told that they stayed.
        probabilities: staying.iter().map(|i| unseen[*i]).collect(),
        explained: staying.iter().map(|i| scores.explained[*i].clone()).collect(),
    };
    let their_ids: Vec<&str> = staying.iter().map(|i| ids[*i].as_str()).collect();
    let their_values: Vec<f64> = staying.iter().map(|i| values[*i]).collect();
    let targets = target_table(&their_ids, &still, &their_values, &settings.terms(), settings.budget)?;
    let worth = targets.num_rows();
    tables.push(("churn_targets.parquet", targets));
    let value = serde_json::to_value(&report).map_err(|e| PipelineError::defect("a report", e))?;
    tables.extend(from_report(&value, None)?);
    Ok(Learned { file: ModelFile::new(Day(0), examples.len(), model, value), tables, worth, warnings })
}

/// A column of numbers, none of them missing.
fn numbers(rows: &[Vec<String>], at: usize, name: &str) -> Result<Vec<f64>, String> {
    let number = |(i, row): (usize, &Vec<String>)| {
        let text = row.get(at).map_or("", String::as_str);
        let value = text.parse::<f64>().ok().filter(|v| v.is_finite());
        value.ok_or_else(|| format!("row {}: `{text}` in `{name}` is not a number", i + 2))
    };
    rows.iter().enumerate().map(number).collect()
}

/// Who left: a label of two values.
fn labels(rows: &[Vec<String>], label: usize, args: &Contract) -> Result<Vec<bool>, String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.get(label).map_or("", String::as_str)).or_default() += 1;
    }
    if let Some(blank) = counts.get("") {
        return Err(format!("{blank} rows have no `{}`; who left must be known of everyone", args.label));
    }
    let list = || counts.iter().map(|(v, n)| format!("{v} ({n})")).collect::<Vec<_>>().join(", ");
    let left = match &args.left {
        Some(value) => value.clone(),
        None => {
            let usual = ["Yes", "yes", "1", "true", "True", "TRUE", "churned", "Churned", "Y", "y"];
            let found = usual.into_iter().find(|v| counts.contains_key(v));
            found.map(str::to_owned).ok_or_else(|| {
                format!(
                    "which value of `{}` says that a customer left? It has {}; name it with --left",
                    args.label,
                    list()
                )
            })?
        }
    };
    if !counts.contains_key(left.as_str()) {
        return Err(format!("no row of `{}` is `{left}`; it has {}", args.label, list()));
    }
    if counts.len() > 2 {
        return Err(format!("`{}` has {} values, {}; a label has two", args.label, counts.len(), list()));
    }
    Ok(rows.iter().map(|row| row.get(label).is_some_and(|v| *v == left)).collect())
}

fn customers(
    ids: &[String],
    examples: &Examples,
    scores: &Scores,
    unseen: &[f64],
) -> Result<RecordBatch, TableError> {
    let reason = |n: usize| texts(scores.explained.iter().map(|e| e.1.get(n)));
    assemble(
        "contract_customers",
        CONTRACT_CUSTOMERS,
        vec![
            ("customer_id", texts(ids.iter().map(Some))),
            ("has_left", booleans(examples.churned.iter().map(|c| Some(*c)))),
            ("churn_probability", floats(scores.probabilities.iter().map(|p| Some(*p)))),
            ("churn_probability_unseen", floats(unseen.iter().map(|p| Some(*p)))),
            ("churn_decile", ints(deciles(&scores.probabilities).into_iter().map(i32::from))),
            ("churn_rule_id", ints(scores.explained.iter().map(|e| e.0 as i32))),
            ("churn_reason_1", reason(0)),
            ("churn_reason_2", reason(1)),
            ("churn_reason_3", reason(2)),
        ],
    )
}

/// Survival curves of all and by each category, their tests, and a Cox regression on everything but the tenure itself.
fn survival(
    times: Times<'_>,
    examples: &Examples,
    tenure: &str,
    tables: &mut Vec<(&'static str, RecordBatch)>,
    said: &mut Vec<String>,
    mine: &dyn Fn(MineError) -> Failure,
) -> Result<(), Failure> {
    let whole = kaplan_meier(times).map_err(mine)?;
    let median = median_time(&whole)
        .map_or("more than half are still there".to_owned(), |m| format!("half have left by {m}"));
    said.push(format!("Survival by {tenure}: {median}"));
    let mut curves: Vec<(String, Option<String>, Vec<Step>)> = vec![("all".to_owned(), None, whole)];
    let mut tests = Vec::new();
    let mut covariates: Vec<(String, Vec<f64>)> = Vec::new();
    for (feature, column) in examples.features.iter().zip(&examples.columns) {
        match column {
            Values::Number(v) if feature.name != tenure => {
                // A blank is the mean: it says nothing.
                let known: Vec<f64> = v.iter().copied().filter(|v| v.is_finite()).collect();
                let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
                let varies = known.iter().any(|x| *x != known[0]);
                if grows_with(v, times.time) {
                    said.push(format!(
                        "Cox regression without `{}`: it grows with {tenure} itself",
                        feature.name
                    ));
                } else if !varies {
                    said.push(format!("Cox regression without `{}`: it is constant", feature.name));
                } else {
                    let filled = v.iter().map(|v| if v.is_finite() { *v } else { mean }).collect();
                    covariates.push((feature.name.clone(), filled));
                }
            }
            Values::Category(codes) => {
                groups(times, feature, codes, (&mut curves, &mut tests, &mut covariates), said)
                    .map_err(mine)?;
            }
            Values::Number(_) => {}
        }
    }
    let steps = || curves.iter().flat_map(|(by, group, steps)| steps.iter().map(move |s| (by, group, s)));
    let table = assemble(
        "survival",
        SURVIVAL,
        vec![
            ("group_by", texts(steps().map(|(by, _, _)| Some(by)))),
            ("group", texts(steps().map(|(_, group, _)| group.as_deref()))),
            ("time", floats(steps().map(|(_, _, s)| Some(s.time)))),
            ("at_risk", counts(steps().map(|(_, _, s)| Some(s.at_risk as u64)))),
            ("events", counts(steps().map(|(_, _, s)| Some(s.events as u64)))),
            ("survival", floats(steps().map(|(_, _, s)| Some(s.survival)))),
            ("standard_error", floats(steps().map(|(_, _, s)| Some(s.standard_error)))),
        ],
    );
    tables.push(("survival.parquet", table.map_err(PipelineError::from)?));
    let table = assemble(
        "survival_tests",
        SURVIVAL_TESTS,
        vec![
            ("group_by", texts(tests.iter().map(|(by, _, _)| Some(*by)))),
            ("groups", ints(tests.iter().map(|(_, n, _)| *n as i32))),
            ("statistic", floats(tests.iter().map(|(_, _, t)| Some(t.statistic)))),
            ("degrees", ints(tests.iter().map(|(_, _, t)| t.degrees as i32))),
            ("p_value", floats(tests.iter().map(|(_, _, t)| Some(t.p_value)))),
        ],
    );
    tables.push(("survival_tests.parquet", table.map_err(PipelineError::from)?));
    // What follows from covariates before it is left out.
    let mut kept: Vec<usize> = Vec::new();
    let mut fitted = None;
    if !times.left.contains(&true) {
        said.push("no Cox regression: nobody left".to_owned());
        covariates.clear();
    }
    for i in 0..covariates.len() {
        kept.push(i);
        let columns: Vec<Vec<f64>> = kept.iter().map(|k| covariates[*k].1.clone()).collect();
        match Cox::fit(times, &columns) {
            Ok(cox) => fitted = Some(cox),
            Err(_) => {
                kept.pop();
                said.push(format!(
                    "Cox regression without `{}`: it follows from the others, or tells too much",
                    covariates[i].0
                ));
            }
        }
    }
    let Some(cox) = fitted else { return Ok(()) };
    said.push(format!(
        "Cox regression: {} covariates, concordance {}, log-likelihood {} ({} without)",
        kept.len(),
        fixed(cox.concordance.unwrap_or(f64::NAN), 3),
        fixed(cox.log_likelihood, 2),
        fixed(cox.null_log_likelihood, 2)
    ));
    let table = assemble(
        "cox",
        COX_COLUMNS,
        vec![
            ("covariate", texts(kept.iter().map(|k| Some(&covariates[*k].0)))),
            ("coefficient", floats(cox.coefficients.iter().map(|c| Some(*c)))),
            ("hazard_ratio", floats(cox.coefficients.iter().map(|c| Some(c.exp())))),
            ("standard_error", floats(cox.standard_errors.iter().map(|e| Some(*e)))),
            ("p_value", floats((0..kept.len()).map(|i| Some(cox.p_value(i))))),
        ],
    );
    tables.push(("cox.parquet", table.map_err(PipelineError::from)?));
    Ok(())
}

/// Curves by group, tests, covariates.
type Found<'b, 'a> = (
    &'b mut Vec<(String, Option<String>, Vec<Step>)>,
    &'b mut Vec<(&'a str, usize, LogRank)>,
    &'b mut Vec<(String, Vec<f64>)>,
);

/// Whether values tell the time: their ranks go with it.
fn grows_with(values: &[f64], time: &[f64]) -> bool {
    let known: Vec<usize> = (0..values.len()).filter(|i| values[*i].is_finite()).collect();
    let ranks = |of: &[f64]| -> Vec<f64> {
        let mut order = known.clone();
        order.sort_by(|a, b| of[*a].total_cmp(&of[*b]));
        let mut rank = vec![0.0; of.len()];
        let mut before = 0;
        for same in order.chunk_by(|a, b| of[*a] == of[*b]) {
            same.iter().for_each(|i| rank[*i] = before as f64 + same.len() as f64 / 2.0);
            before += same.len();
        }
        known.iter().map(|i| rank[*i]).collect()
    };
    correlation(&ranks(values), &ranks(time)) > 0.8
}

/// Curves and test of a category's values, and a mark for each but the most frequent one.
fn groups<'a>(
    times: Times<'_>,
    feature: &'a Feature,
    codes: &[u32],
    (curves, tests, covariates): Found<'_, 'a>,
    said: &mut Vec<String>,
) -> Result<(), MineError> {
    let names = feature.categories.as_deref().unwrap_or_default();
    if names.len() < 2 {
        said.push(format!("no curves of `{}`: it is constant", feature.name));
        return Ok(());
    }
    if names.len() > MOST_GROUPS {
        said.push(format!("no curves of `{}`: it has {} values", feature.name, names.len()));
        return Ok(());
    }
    let rows: Vec<usize> = (0..codes.len()).filter(|i| codes[*i] != UNKNOWN).collect();
    let of = |rows: &[usize]| -> (Vec<f64>, Vec<bool>) {
        rows.iter().map(|i| (times.time[*i], times.left[*i])).unzip()
    };
    let mut counts = vec![0; names.len()];
    for (code, name) in names.iter().enumerate() {
        let own: Vec<usize> = rows.iter().copied().filter(|i| codes[*i] as usize == code).collect();
        counts[code] = own.len();
        let (time, left) = of(&own);
        let steps = kaplan_meier(Times { time: &time, left: &left })?;
        curves.push((feature.name.clone(), Some(name.clone()), steps));
    }
    let (time, left) = of(&rows);
    let group: Vec<usize> = rows.iter().map(|i| codes[*i] as usize).collect();
    match log_rank(Times { time: &time, left: &left }, &group, names.len()) {
        Ok(test) => {
            let never: Vec<&str> = test.never_at_risk().map(|g| names[g].as_str()).collect();
            if !never.is_empty() {
                said.push(format!(
                    "log-rank test of `{}` without {}: none of them was there when anyone left",
                    feature.name,
                    never.join(", ")
                ));
            }
            tests.push((&feature.name, names.len() - never.len(), test));
        }
        Err(e) => said.push(format!("no log-rank test of `{}`: {e}", feature.name)),
    }
    let common = (0..names.len()).max_by_key(|c| (counts[*c], std::cmp::Reverse(*c)));
    for (code, name) in names.iter().enumerate().filter(|(c, _)| Some(*c) != common) {
        let mark = codes.iter().map(|c| f64::from(u8::from(*c as usize == code))).collect();
        covariates.push((format!("{} = {name}", feature.name), mark));
    }
    Ok(())
}

/// The kind of a model, as typed.
#[derive(Clone, Copy, Debug)]
pub struct ModelArg(pub ChurnModel);

impl std::str::FromStr for ModelArg {
    type Err = String;
    fn from_str(text: &str) -> Result<ModelArg, String> {
        serde_json::from_value(serde_json::Value::String(text.to_owned()))
            .map(ModelArg)
            .map_err(|_| format!("`{text}` is not tree, forest, boosting, logistic, neural or auto"))
    }
}
