//! Who leaves, where a contract says so: a table with a label, attributes, and perhaps a tenure.

pub mod schema;
mod survival;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use tillwise_core::ModelFile;
use tillwise_ingest::inspect::PlainTable;
use tillwise_mine::MineError;
use tillwise_mine::churn::act::OfferTerms;
use tillwise_mine::churn::survival::Times;
use tillwise_mine::churn::train::{clean, own_level};
use tillwise_mine::churn::{Churn, Examples, Judge, TrainReport, Trained, deciles, train};
use tillwise_report::{Cell, Message, Section};
use tillwise_table::TableError;

use super::{OfTable, TableDone};
use crate::analyses::churn::features::{Columns, Raw};
use crate::analyses::churn::tables::{Rules, Scores, draw, from_report, pick_targets};
use crate::analyses::churn::tell::judged;
use crate::analyses::churn::{self, ChurnModel};
use crate::analyses::side;
use crate::analyses::{Done, Made, booleans, floats, ints, make, texts};
use crate::{NotDone, PipelineError};
use schema::CONTRACT_CUSTOMERS;
use survival::Survival;

/// Texts that say that nothing is known.
const BLANKS: [&str; 7] = ["NA", "N/A", "n/a", "NaN", "nan", "null", "?"];

/// What one call of `tillwise contract` asks for.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// The column that says who left.
    pub label: String,
    /// Its value for those who did; `None` for Yes, 1, true and the like.
    pub left: Option<String>,
    /// The column with the id; without it, rows are numbered.
    pub id: Option<String>,
    /// The column with the tenure: survival comes with it.
    pub tenure: Option<String>,
    /// The column with what a customer is worth; 1 each without it.
    pub value: Option<String>,
    /// Columns that are left out.
    pub ignore: Vec<String>,
    /// What gives the probabilities.
    pub model: ChurnModel,
    /// What an offer to stay costs.
    pub offer_cost: f64,
    /// Share of those about to leave whom an offer keeps.
    pub response_rate: f64,
    /// Most that offers may cost together.
    pub budget: Option<f64>,
    /// What stands between two cells of the table; without it, a comma is expected.
    pub delimiter: Option<String>,
    /// Where chance begins.
    pub seed: u64,
}

/// A table of contracts, read.
struct Contracts {
    ids: Vec<String>,
    examples: Examples,
    values: Vec<f64>,
    /// The tenure's column and its numbers.
    tenure: Option<(String, Vec<f64>)>,
    warnings: Vec<Message>,
    /// Why no model can be learned.
    too_few: Option<String>,
}

#[derive(Serialize)]
struct Report {
    customers: usize,
    left: usize,
    /// What gives the probabilities; null where nothing does.
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    train: Option<TrainReport>,
}

impl OfTable for Settings {
    const NAME: &'static str = "contract";

    fn run(&self, table: &Path, work: &Path) -> Result<TableDone, NotDone> {
        let contracts = Contracts::read(self, table)?;
        let examples = &contracts.examples;
        let mut section = Section::new("contract");
        section.say(
            "contracts",
            vec![
                ("customers", Cell::count(examples.len())),
                ("left", Cell::count(examples.churners())),
                ("share", Cell::Share(examples.churners() as f64 / examples.len() as f64)),
            ],
        );
        let learned = match &contracts.too_few {
            None => Some(learn(self, &contracts)?),
            Some(why) => {
                section.say("no_model", vec![("why", Cell::text(why))]);
                None
            }
        };
        let mut tables = Vec::new();
        let mut warnings = contracts.warnings.clone();
        if let Some(learned) = &learned {
            let report = &learned.report;
            judged(&mut section, report, None);
            learned.rules(&mut section);
            section.say("contract_targets", vec![("customers", Cell::count(learned.worth))]);
            tables.extend(learned.tables.iter().cloned());
            warnings.clone_from(&report.warnings);
            learned.file.save(work)?;
            draw(&learned.file.parameters, work)?;
        }
        let mut told = vec![section];
        if let Some((tenure, time)) = &contracts.tenure {
            let mut survival = Survival::new(tenure, Times { time, left: &examples.churned });
            survival.describe(examples)?;
            tables.extend(survival.tables()?);
            told.push(survival.told);
        }
        let report = Report {
            customers: examples.len(),
            left: examples.churners(),
            model: learned.as_ref().map(|l| l.report.model.clone()),
            train: learned.map(|l| l.report),
        };
        let report = serde_json::to_value(report)?;
        let line = ["customers", "left", "model"]
            .map(|key| (key.to_owned(), report[key].clone()))
            .into_iter()
            .collect();
        let done = Done { columns: Vec::new(), tables, report, told, warnings };
        Ok(TableDone { done, model_failed: false, line })
    }
}

impl Contracts {
    fn read(settings: &Settings, file: &Path) -> Result<Contracts, NotDone> {
        let wrong = |problem: String| PipelineError::Setting { key: file.display().to_string(), problem };
        let table = side::read(file, "the table", settings.delimiter.as_deref())?;
        if let Some(other) = table.delimiter.as_deref().filter(|d| settings.delimiter.is_none() && *d != ",")
        {
            return Err(wrong(format!(
                "the delimiter seems to be `{other}`; if it is, say --delimiter \"{other}\", or save the table with commas"
            ))
            .into());
        }
        let (header, rows) = (&table.headers, &table.rows);
        let column = |name: &str| side::place(&table, name).map_err(wrong);
        let label = column(&settings.label)?;
        let id = settings.id.as_deref().map(column).transpose()?;
        let tenure = settings.tenure.as_deref().map(column).transpose()?;
        let mut dropped = settings.ignore.iter().map(|name| column(name)).collect::<Result<Vec<_>, _>>()?;
        let churned = labels(rows, label, settings).map_err(wrong)?;
        let ids: Vec<String> = rows
            .iter()
            .enumerate()
            .map(|(i, row)| id.map_or_else(|| (i + 1).to_string(), |id| field(row, id)))
            .collect();
        each_its_own(header, &ids).map_err(wrong)?;
        dropped.extend([label].into_iter().chain(id));
        let (features, columns) = attributes(&table, &dropped).map_err(wrong)?.learn();
        let mut examples = Examples { features, columns, churned, ..Examples::default() };
        let mut too_few = match examples.check("in the table") {
            Ok(()) => None,
            // A curve of survival needs no model.
            Err(e @ MineError::Data { .. }) if tenure.is_some() => Some(e.to_string()),
            Err(e) => return Err(e.into()),
        };
        let warnings = clean(&mut examples);
        if examples.features.is_empty() && too_few.is_none() {
            let why = "no column is left to learn from".to_owned();
            if tenure.is_none() {
                return Err(wrong(why).into());
            }
            too_few = Some(why);
        }
        let tenure = match tenure {
            Some(at) => Some((header[at].clone(), side::numbers(&table, at, &header[at]).map_err(wrong)?)),
            None => None,
        };
        let values = match &settings.value {
            None => vec![1.0; examples.len()],
            Some(name) => side::numbers(&table, column(name)?, name).map_err(wrong)?,
        };
        Ok(Contracts { ids, examples, values, tenure, warnings, too_few })
    }
}

fn field(row: &[String], i: usize) -> String {
    row.get(i).cloned().unwrap_or_default()
}

/// Whether every column and every person has a name of its own.
pub(super) fn each_its_own(columns: &[String], ids: &[String]) -> Result<(), String> {
    for (what, names) in [("columns", columns), ("ids", ids)] {
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        if let Some(twice) = sorted.windows(2).find(|w| w[0] == w[1]) {
            return Err(format!("two {what} are `{}`; each must be its own", twice[0]));
        }
    }
    Ok(())
}

/// All columns of a table but some, to learn from.
pub(super) fn attributes(table: &PlainTable, left_out: &[usize]) -> Result<Columns, String> {
    let kept = (0..table.headers.len()).filter(|at| !left_out.contains(at));
    let of = |at: usize| Ok((table.headers[at].clone(), attribute(table, at, &table.headers[at])?));
    kept.map(of).collect::<Result<Vec<_>, String>>().map(Columns)
}

/// A column as numbers, if all that is known are some, or as texts.
fn attribute(table: &PlainTable, at: usize, name: &str) -> Result<Raw, String> {
    let rows = &table.rows;
    let known = |t: String| if BLANKS.contains(&t.as_str()) { String::new() } else { t };
    let texts: Vec<String> = rows.iter().map(|row| known(field(row, at))).collect();
    let number = |t: &String| table.number(t);
    let named = texts.iter().filter(|t| !t.is_empty()).count();
    let odd = texts.iter().enumerate().filter(|(_, t)| !t.is_empty() && number(t).is_none());
    let few = 20 * odd.clone().count() <= named;
    if let Some((row, text)) = odd.clone().next().filter(|_| few) {
        return Err(format!(
            "row {}: `{text}` in `{name}` is no number, and nearly all others are; mend it, leave it blank, or --ignore {name}",
            table.lines[row]
        ));
    }
    Ok(if odd.clone().next().is_none() {
        Raw::Number(texts.iter().map(|t| number(t).unwrap_or(f64::NAN)).collect())
    } else {
        Raw::Text(texts)
    })
}

/// A model of who leaves, and its tables.
struct Learned {
    file: ModelFile<Churn>,
    report: TrainReport,
    tables: Vec<Made>,
    /// Customers whom an offer pays for.
    worth: usize,
}

/// Rules that are told.
const RULES_TOLD: usize = 10;

impl Learned {
    /// The first rules of the tree.
    fn rules(&self, section: &mut Section) {
        let parameters = &self.file.parameters;
        let rules = parameters.tree.rules(&parameters.features, &parameters.blanks);
        section.say("contract_rules", vec![("rules", Cell::count(rules.len()))]);
        section.grid(
            ["rule", "probability", "rows"],
            RULES_TOLD,
            rules.iter().map(|r| {
                [
                    Cell::text(format!("{}. {}", r.id, r.words)),
                    Cell::Share(r.probability),
                    Cell::count(r.rows),
                ]
            }),
        );
    }
}

/// Learns who leaves, judged in folds, and whom an offer pays for.
fn learn(settings: &Settings, contracts: &Contracts) -> Result<Learned, NotDone> {
    let Contracts { ids, examples, values, .. } = contracts;
    let churn = churn::Settings {
        model: settings.model,
        terms: OfferTerms {
            offer_cost: settings.offer_cost,
            response_rate: settings.response_rate,
            value_saved: 1.0,
        },
        budget: settings.budget,
        ..churn::Settings::default()
    };
    churn.check()?;
    let names: Vec<String> = examples.features.iter().map(|f| f.name.clone()).collect();
    let how = churn.train(&names, settings.seed);
    let Trained { model, mut report, judged: unseen } =
        train(examples, Judge::Folds(values), &[], &how, &mut own_level)?;
    let mut warnings = contracts.warnings.clone();
    warnings.append(&mut report.warnings);
    report.warnings = warnings;
    let probabilities = model.score(&examples.columns);
    let scores = Scores { explained: model.explain(&examples.columns, 3), probabilities };
    let mut tables =
        vec![customers(ids, examples, &scores, &unseen)?, Rules::of(&model, &scores, values).table()?];
    // Who has left cannot be kept.
    let staying: Vec<usize> = (0..examples.len()).filter(|i| !examples.churned[*i]).collect();
    let still = Scores {
        // By models that have not seen them: one that has, has been told that they stayed.
        probabilities: staying.iter().map(|i| unseen[*i]).collect(),
        explained: staying.iter().map(|i| scores.explained[*i].clone()).collect(),
    };
    let their_ids: Vec<&str> = staying.iter().map(|i| ids[*i].as_str()).collect();
    let their_values: Vec<f64> = staying.iter().map(|i| values[*i]).collect();
    let targets = pick_targets(&their_ids, &still, &their_values, &churn.terms, churn.budget);
    let worth = targets.chosen.len();
    tables.push(targets.table()?);
    tables.extend(from_report(&report, None)?);
    let value = serde_json::to_value(&report)?;
    let file = ModelFile::new(None, examples.len(), model, value);
    Ok(Learned { file, report, tables, worth })
}

/// Who left: a label of two values.
fn labels(rows: &[Vec<String>], label: usize, settings: &Settings) -> Result<Vec<bool>, String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.get(label).map_or("", String::as_str)).or_default() += 1;
    }
    if let Some(blank) = counts.get("") {
        return Err(format!("{blank} rows have no `{}`; who left must be known of everyone", settings.label));
    }
    let list = || counts.iter().map(|(v, n)| format!("{v} ({n})")).collect::<Vec<_>>().join(", ");
    let left = match &settings.left {
        Some(value) => value.clone(),
        None => {
            let usual = ["Yes", "yes", "1", "true", "True", "TRUE", "churned", "Churned", "Y", "y"];
            let found = usual.into_iter().find(|v| counts.contains_key(v));
            found.map(str::to_owned).ok_or_else(|| {
                format!(
                    "which value of `{}` says that a customer left? It has {}; name it with --left",
                    settings.label,
                    list()
                )
            })?
        }
    };
    if !counts.contains_key(left.as_str()) {
        return Err(format!("no row of `{}` is `{left}`; it has {}", settings.label, list()));
    }
    if counts.len() > 2 {
        return Err(format!("`{}` has {} values, {}; a label has two", settings.label, counts.len(), list()));
    }
    Ok(rows.iter().map(|row| row.get(label).is_some_and(|v| *v == left)).collect())
}

fn customers(
    ids: &[String],
    examples: &Examples,
    scores: &Scores,
    unseen: &[f64],
) -> Result<Made, TableError> {
    let reason = |n: usize| texts(scores.explained.iter().map(|e| e.1.get(n)));
    make(
        &CONTRACT_CUSTOMERS,
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
