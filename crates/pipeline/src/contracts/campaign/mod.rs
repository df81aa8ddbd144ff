//! What a campaign did, and whom it moves.

pub mod schema;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use tillwise_core::message;
use tillwise_core::told::Message;
use tillwise_ingest::inspect::PlainTable;
use tillwise_mine::campaign::{
    Experiment, Learner, Lift, Ranking, adjusted, balance, contact, effects, judge, lift, told_apart,
};
use tillwise_mine::churn::train::clean;
use tillwise_mine::churn::{Examples, UNKNOWN, Values};
use tillwise_mine::stats::holm;
use tillwise_report::{Cell, Section};

use super::contract::{attributes, each_its_own};
use super::{OfTable, TableDone, says_no};
use crate::analyses::{Done, Made, booleans, counts, floats, ints, make, maybe_ints, side, texts};
use crate::{NotDone, PipelineError};
use schema::{CAMPAIGN_BALANCE, CAMPAIGN_LIFT, CAMPAIGN_MODELS, CAMPAIGN_PEOPLE, CAMPAIGN_TENTHS};

/// What one call of `tillwise campaign` asks for.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// The column that says who was contacted.
    pub treatment: String,
    /// The value of it that says so.
    pub contacted: Option<String>,
    /// The column with what came: a number, or a yes.
    pub outcome: String,
    /// The column with the id; without it, rows are numbered.
    pub id: Option<String>,
    /// The column with the outcome of a time before.
    pub past: Option<String>,
    /// Columns to leave out.
    pub ignore: Vec<String>,
    /// What an outcome of 1 is worth.
    pub value: f64,
    /// What a contact costs.
    pub cost: f64,
    /// Most that contacts may cost together.
    pub budget: Option<f64>,
    /// What stands between two cells of the table; without it, it is found.
    pub delimiter: Option<String>,
    /// Where chance begins.
    pub seed: u64,
}

/// People in each arm that a group needs to be looked at.
const FEWEST_OF_GROUP: usize = 30;
/// People in each arm that learners need.
const FEWEST_TO_LEARN: usize = 200;
/// The rate of false alarms of learners.
const RATE: f64 = 0.05;

/// A table of a campaign, read.
struct Campaign {
    ids: Vec<String>,
    experiment: Experiment,
    /// The outcome less what the past foretells, and by how much that lowers its variance.
    cuped: Option<(Vec<f64>, f64)>,
    warnings: Vec<Message>,
}

/// A line of the table of lifts.
struct Line {
    measure: &'static str,
    by: String,
    group: Option<String>,
    lift: Lift,
    p_adjusted: f64,
}

impl OfTable for Settings {
    const NAME: &'static str = "campaign";

    fn run(&self, file: &Path, _: &Path) -> Result<TableDone, NotDone> {
        for (key, money) in
            [("--value", self.value), ("--cost", self.cost), ("--budget", self.budget.unwrap_or(0.0))]
        {
            if !(0.0..=1e12).contains(&money) {
                return Err(
                    crate::config::wrong(key, format!("must be within 0 to 1e12, but is {money}")).into()
                );
            }
        }
        let Campaign { ids, experiment, cuped, mut warnings } = self.read(file)?;
        let Experiment { people, treated, outcome } = &experiment;
        let mut lines = vec![line("outcome", outcome, treated)];
        lines.extend(cuped.iter().map(|(sharper, _)| line("cuped", sharper, treated)));
        lines.extend(groups(&experiment));
        let all = lines[0].lift;

        // Did chance decide who was contacted?
        let (told, error) = told_apart(&experiment, self.seed)?;
        let by_chance = told - 0.5 < 2.576 * error;
        let compared = balance(&experiment);
        if !by_chance {
            warnings.push(message!(
                "campaign_not_random",
                auc = Cell::Number(told, 3),
                chance = Cell::Number(0.5 + 2.576 * error, 3)
            ));
        }
        let uneven: Vec<Cell> = compared
            .iter()
            .filter(|b| b.standardised.abs() > 0.1)
            .map(|b| Cell::text(&people.features[b.feature].name))
            .take(10)
            .collect();
        if !uneven.is_empty() {
            warnings.push(message!("campaign_uneven", columns = Cell::List(uneven)));
        }

        let fewest = all.people.iter().min().copied().unwrap_or(0);
        let (scores, judged) = if fewest < FEWEST_TO_LEARN || people.features.is_empty() {
            warnings.push(message!("campaign_too_few", fewest = fewest, needed = FEWEST_TO_LEARN));
            (Vec::new(), Vec::new())
        } else {
            let of_contact = contact(&experiment, by_chance, self.seed)?;
            let scores = Learner::ALL
                .iter()
                .map(|learner| effects(&experiment, *learner, &of_contact, self.seed))
                .collect::<Result<Vec<_>, _>>()?;
            let judged = judge(&scores, treated, outcome, self.seed);
            (scores, judged)
        };
        let beyond = |i: &usize| judged[*i].p_adjusted < RATE;
        let chosen = (0..judged.len())
            .filter(beyond)
            .max_by(|a, b| judged[*a].qini.total_cmp(&judged[*b].qini).then(b.cmp(a)));
        let uplift = chosen.map(|i| scores[i].clone());
        let tenth = uplift.as_ref().map(|u| tenths(u));

        let mut section = self.tell(&all, cuped.as_ref().map(|c| (lines[1].lift, c.1)), &judged, chosen);
        for line in lines.iter().filter(|l| l.by != "all" && l.p_adjusted < RATE).take(5) {
            section.say(
                "campaign_group",
                vec![
                    ("by", Cell::text(&line.by)),
                    ("group", Cell::text(line.group.clone().unwrap_or_default())),
                    ("lift", number(line.lift.difference)),
                    ("all", number(all.difference)),
                ],
            );
        }
        let (profit, target) = self.targets(uplift.as_deref(), all.difference, ids.len());
        let picked = target.iter().filter(|t| **t).count();
        if self.cost > 0.0 || self.budget.is_some() {
            let won: f64 = (0..ids.len()).filter(|i| target[*i]).map(|i| profit[i]).sum();
            section
                .say("campaign_targets", vec![("people", Cell::count(picked)), ("profit", Cell::Count(won))]);
        }
        let mut tables = vec![
            lifts(&lines)?,
            make(
                &CAMPAIGN_BALANCE,
                vec![
                    ("column", texts(compared.iter().map(|b| Some(&people.features[b.feature].name)))),
                    ("value", texts(compared.iter().map(|b| b.value.as_ref()))),
                    ("contacted_mean", floats(compared.iter().map(|b| Some(b.mean[0])))),
                    ("control_mean", floats(compared.iter().map(|b| Some(b.mean[1])))),
                    ("standardised", floats(compared.iter().map(|b| Some(b.standardised)))),
                ],
            )?,
            models(&judged, chosen)?,
        ];
        tables.push(by_tenth(uplift.as_deref().zip(tenth.as_deref()), treated, outcome)?);
        tables.push(make(
            &CAMPAIGN_PEOPLE,
            vec![
                ("id", texts(ids.iter().map(Some))),
                ("contacted", booleans(treated.iter().map(|t| Some(*t)))),
                ("outcome", floats(outcome.iter().map(|y| Some(*y)))),
                ("uplift", floats((0..ids.len()).map(|i| uplift.as_ref().map(|u| u[i])))),
                ("tenth", maybe_ints((0..ids.len()).map(|i| tenth.as_ref().map(|t| t[i])))),
                ("expected_profit", floats(profit.iter().map(|p| Some(*p)))),
                ("target", booleans(target.iter().map(|t| Some(*t)))),
            ],
        )?);
        let learner = chosen.map(|i| Learner::ALL[i].name());
        let (low, high) = all.interval();
        let report = serde_json::json!({
            "people": ids.len(), "contacted": all.people[0], "control": all.people[1], "lift": all.difference,
            "lift_low": low, "lift_high": high, "told_apart": told, "by_chance": by_chance, "learner": learner,
        });
        let keys = ["people", "lift", "lift_low", "lift_high", "learner"];
        let line = keys.iter().map(|key| ((*key).to_owned(), report[*key].clone())).collect();
        let done = Done { columns: Vec::new(), tables, told: vec![section], warnings, report };
        Ok(TableDone { done, model_failed: false, line })
    }
}

fn number(value: f64) -> Cell {
    Cell::Number(value, if value.abs() < 1.0 { 4 } else { 2 })
}

fn line(measure: &'static str, outcome: &[f64], treated: &[bool]) -> Line {
    let lift = lift(outcome, treated, 0..outcome.len());
    Line { measure, by: "all".to_owned(), group: None, lift, p_adjusted: f64::NAN }
}

/// The lift of every group of a column of words that is large enough in both arms.
fn groups(experiment: &Experiment) -> Vec<Line> {
    let mut lines = Vec::new();
    for (feature, values) in experiment.people.features.iter().zip(&experiment.people.columns) {
        let (Some(names), Values::Category(codes)) = (&feature.categories, values) else { continue };
        // One walk over the rows, however many values there are.
        let mut rows = vec![Vec::new(); names.len()];
        for (i, code) in codes.iter().enumerate().filter(|(_, c)| **c != UNKNOWN) {
            rows[*code as usize].push(i);
        }
        for (name, rows) in names.iter().zip(rows) {
            let lift = lift(&experiment.outcome, &experiment.treated, rows.into_iter());
            if lift.people.iter().all(|n| *n >= FEWEST_OF_GROUP) {
                let (by, group) = (feature.name.clone(), Some(name.clone()));
                lines.push(Line { measure: "outcome", by, group, lift, p_adjusted: f64::NAN });
            }
        }
    }
    let adjusted = holm(&lines.iter().map(|l| l.lift.p_value()).collect::<Vec<f64>>());
    lines.iter_mut().zip(adjusted).for_each(|(line, p)| line.p_adjusted = p);
    lines
}

fn lifts(lines: &[Line]) -> Result<Made, NotDone> {
    let of = |value: &dyn Fn(&Line) -> f64| floats(lines.iter().map(|l| Some(value(l))).collect::<Vec<_>>());
    let relative =
        |l: &Line| if l.lift.mean[1] > 0.0 { l.lift.difference / l.lift.mean[1] } else { f64::NAN };
    Ok(make(
        &CAMPAIGN_LIFT,
        vec![
            ("measure", texts(lines.iter().map(|l| Some(l.measure)))),
            ("by", texts(lines.iter().map(|l| Some(&l.by)))),
            ("group", texts(lines.iter().map(|l| l.group.as_ref()))),
            ("contacted", counts(lines.iter().map(|l| Some(l.lift.people[0] as u64)))),
            ("control", counts(lines.iter().map(|l| Some(l.lift.people[1] as u64)))),
            ("contacted_mean", of(&|l| l.lift.mean[0])),
            ("control_mean", of(&|l| l.lift.mean[1])),
            ("lift", of(&|l| l.lift.difference)),
            ("lift_low", of(&|l| l.lift.interval().0)),
            ("lift_high", of(&|l| l.lift.interval().1)),
            ("relative_lift", of(&relative)),
            ("incremental", of(&|l| l.lift.difference * l.lift.people[0] as f64)),
            ("p_value", of(&|l| l.lift.p_value())),
            ("p_adjusted", of(&|l| l.p_adjusted)),
        ],
    )?)
}

fn models(judged: &[Ranking], chosen: Option<usize>) -> Result<Made, NotDone> {
    let of = |value: fn(&Ranking) -> f64| floats(judged.iter().map(move |r| Some(value(r))));
    Ok(make(
        &CAMPAIGN_MODELS,
        vec![
            ("learner", texts(Learner::ALL.iter().take(judged.len()).map(|l| Some(l.name())))),
            ("chosen", booleans((0..judged.len()).map(|i| Some(chosen == Some(i))))),
            ("qini", of(|r| r.qini)),
            ("qini_low", of(|r| r.qini - 1.96 * r.standard_error)),
            ("qini_high", of(|r| r.qini + 1.96 * r.standard_error)),
            ("auuc", of(|r| r.auuc)),
            ("p_value", of(|r| r.p_value)),
            ("p_adjusted", of(|r| r.p_adjusted)),
        ],
    )?)
}

/// The tenth of each, 1 for the highest scores. Unlike churn's deciles they are of one size, for each is to hold people of both arms: equal
/// scores are told apart by their rows.
fn tenths(scores: &[f64]) -> Vec<i32> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    let mut tenth = vec![0; scores.len()];
    order.iter().enumerate().for_each(|(place, i)| tenth[*i] = (place * 10 / scores.len()) as i32 + 1);
    tenth
}

fn by_tenth(scored: Option<(&[f64], &[i32])>, treated: &[bool], outcome: &[f64]) -> Result<Made, NotDone> {
    let mut rows: Vec<(i32, Lift, f64)> = Vec::new();
    if let Some((uplift, tenth)) = scored {
        for t in 1..=10 {
            let own = (0..tenth.len()).filter(|i| tenth[*i] == t);
            let (sum, n) = own.clone().fold((0.0, 0.0), |(s, n), i| (s + uplift[i], n + 1.0));
            rows.push((t, lift(outcome, treated, own), sum / n));
        }
    }
    Ok(make(
        &CAMPAIGN_TENTHS,
        vec![
            ("tenth", ints(rows.iter().map(|r| r.0))),
            ("contacted", counts(rows.iter().map(|r| Some(r.1.people[0] as u64)))),
            ("control", counts(rows.iter().map(|r| Some(r.1.people[1] as u64)))),
            ("expected_lift", floats(rows.iter().map(|r| Some(r.2)))),
            ("lift", floats(rows.iter().map(|r| Some(r.1.difference)))),
            ("lift_low", floats(rows.iter().map(|r| Some(r.1.interval().0)))),
            ("lift_high", floats(rows.iter().map(|r| Some(r.1.interval().1)))),
        ],
    )?)
}

impl Settings {
    fn read(&self, file: &Path) -> Result<Campaign, NotDone> {
        let wrong = |problem: String| PipelineError::Setting { key: file.display().to_string(), problem };
        let table = side::read(file, "TABLE", self.delimiter.as_deref())?;
        let place = |name: &str| side::place(&table, name).map_err(wrong);
        let (treatment, outcome) = (place(&self.treatment)?, place(&self.outcome)?);
        let id = self.id.as_deref().map(place).transpose()?;
        let past = self.past.as_deref().map(place).transpose()?;
        let ids = table.rows.iter().enumerate();
        let ids: Vec<String> =
            ids.map(|(i, row)| id.map_or_else(|| (i + 1).to_string(), |at| row[at].clone())).collect();
        each_its_own(&table.headers, &ids).map_err(wrong)?;
        let mut left_out = self.ignore.iter().map(|name| place(name)).collect::<Result<Vec<_>, _>>()?;
        left_out.extend([treatment, outcome].into_iter().chain(id));
        let treated = arms(&table, treatment, self).map_err(wrong)?;
        for (arm, flag) in [("contacted", true), ("left alone", false)] {
            if !treated.contains(&flag) {
                return Err(wrong(format!(
                    "nobody was {arm}: without both arms there is nothing to compare"
                ))
                .into());
            }
        }
        let outcomes = outcomes(&table, outcome, &self.outcome).map_err(wrong)?;
        if outcomes.iter().all(|y| *y == outcomes[0]) {
            return Err(
                wrong(format!("`{}` is the same for everybody: nothing came of it", self.outcome)).into()
            );
        }
        let cuped = match past {
            None => None,
            Some(at) => {
                let numbers = side::numbers(&table, at, &table.headers[at]).map_err(wrong)?;
                Some(adjusted(&outcomes, &numbers))
            }
        };
        let (features, columns) = attributes(&table, &left_out).map_err(wrong)?.learn();
        let mut people = Examples { features, columns, churned: treated.clone(), ..Examples::default() };
        // Columns that are constant, blank, or ids are left out, and said.
        let warnings = clean(&mut people);
        let experiment = Experiment { people, treated, outcome: outcomes };
        Ok(Campaign { ids, experiment, cuped, warnings })
    }

    /// What a contact of each is expected to bring, and who is contacted within the budget.
    fn targets(&self, uplift: Option<&[f64]>, lift: f64, people: usize) -> (Vec<f64>, Vec<bool>) {
        let effect = |i: usize| uplift.map_or(lift, |u| u[i]);
        let profit: Vec<f64> = (0..people).map(|i| effect(i) * self.value - self.cost).collect();
        let mut order: Vec<usize> = (0..people).filter(|i| profit[*i] > 0.0).collect();
        order.sort_by(|a, b| profit[*b].total_cmp(&profit[*a]).then(a.cmp(b)));
        let most =
            self.budget.filter(|_| self.cost > 0.0).map_or(people, |budget| (budget / self.cost) as usize);
        let mut target = vec![false; people];
        order.into_iter().take(most).for_each(|i| target[i] = true);
        (profit, target)
    }

    fn tell(
        &self,
        all: &Lift,
        cuped: Option<(Lift, f64)>,
        judged: &[Ranking],
        chosen: Option<usize>,
    ) -> Section {
        let mut section = Section::new("campaign");
        let range = |lift: &Lift| {
            let (low, high) = lift.interval();
            vec![("lift", number(lift.difference)), ("low", number(low)), ("high", number(high))]
        };
        let arms = vec![
            ("contacted", Cell::count(all.people[0])),
            ("control", Cell::count(all.people[1])),
            ("contacted_mean", number(all.mean[0])),
            ("control_mean", number(all.mean[1])),
            ("incremental", Cell::Count(all.difference * all.people[0] as f64)),
        ];
        section.say("campaign_lift", arms.into_iter().chain(range(all)).collect());
        if let Some((lift, saved)) = cuped {
            let said = [("saved", Cell::Share(saved))];
            section.say("campaign_cuped", said.into_iter().chain(range(&lift)).collect());
        }
        if judged.is_empty() {
            return section;
        }
        match chosen {
            Some(i) => section.say(
                "campaign_uplift",
                vec![
                    ("learner", Cell::word(Learner::ALL[i].name())),
                    ("qini", Cell::Number(judged[i].qini, 5)),
                    ("p", Cell::Number(judged[i].p_adjusted, 4)),
                ],
            ),
            None => section.say("campaign_nobody", vec![("learners", Cell::count(judged.len()))]),
        }
        section.grid(
            ["learner", "qini", "qini_low", "qini_high", "p_adjusted"],
            judged.len(),
            Learner::ALL.iter().zip(judged).map(|(learner, r)| {
                [
                    Cell::word(learner.name()),
                    Cell::Number(r.qini, 5),
                    Cell::Number(r.qini - 1.96 * r.standard_error, 5),
                    Cell::Number(r.qini + 1.96 * r.standard_error, 5),
                    Cell::Number(r.p_adjusted, 4),
                ]
            }),
        );
        section
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    let text = text.to_lowercase();
    match text.as_str() {
        "1" | "1.0" | "yes" | "y" | "true" | "t" | "treatment" | "treated" => Some(true),
        "control" | "none" => Some(false),
        other => says_no(other).then_some(false),
    }
}

/// Who was contacted.
fn arms(table: &PlainTable, at: usize, settings: &Settings) -> Result<Vec<bool>, String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    table.rows.iter().for_each(|row| *seen.entry(&row[at]).or_default() += 1);
    if let Some(blank) = seen.get("") {
        return Err(format!(
            "{blank} rows have no `{}`: who was contacted must be known of everyone",
            settings.treatment
        ));
    }
    if let Some(value) = &settings.contacted {
        if !seen.contains_key(value.as_str()) {
            return Err(format!("no row has `{value}` in `{}`", settings.treatment));
        }
        return Ok(table.rows.iter().map(|row| row[at] == *value).collect());
    }
    let one = |row: &Vec<String>| yes_or_no(&row[at]);
    table.rows.iter().map(one).collect::<Option<Vec<bool>>>().ok_or_else(|| {
        let list: Vec<String> = seen.iter().take(10).map(|(value, n)| format!("{value} ({n})")).collect();
        format!(
            "which value of `{}` says that a person was contacted? It has {}; name it with --contacted: all others are control",
            settings.treatment,
            list.join(", ")
        )
    })
}

/// What came of each: numbers, or yes and no.
fn outcomes(table: &PlainTable, at: usize, name: &str) -> Result<Vec<f64>, String> {
    let of = |row: &Vec<String>| yes_or_no(&row[at]).map(|yes| f64::from(u8::from(yes)));
    match table.rows.iter().map(of).collect::<Option<Vec<f64>>>() {
        Some(outcomes) => Ok(outcomes),
        None => side::numbers(table, at, name),
    }
}
