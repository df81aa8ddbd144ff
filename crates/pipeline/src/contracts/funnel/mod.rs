//! A sales funnel from a log of events.

pub mod schema;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use tillwise_core::{Day, message};
use tillwise_mine::funnel::{Event, Journey, Policy, Stage, journeys, stage};
use tillwise_mine::stats::{chi_squared_of_two, holm};
use tillwise_report::{Cell, Section};

use super::events::Log;
use super::{OfTable, TableDone};
use crate::NotDone;
use crate::analyses::{Done, booleans, counts, floats, ints, make, maybe_days, texts};
use crate::config::wrong;
use schema::{FUNNEL, FUNNEL_PEOPLE, FUNNEL_REJECTS, FUNNEL_TIMES};

/// What one call of `tillwise funnel` asks for.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// The column that says who.
    pub id: String,
    /// The column that says when.
    pub time: String,
    /// The column that says what.
    pub stage: String,
    /// The stages, the first one first.
    pub stages: Vec<String>,
    /// When a stage counts.
    pub policy: Policy,
    /// Columns of groups; a person is of the group of the first line that names one.
    pub by: Vec<String>,
    /// A column with a path of levels, such as `north/coast/town`: each level is a group.
    pub roll_up: Option<String>,
    /// Days within which a step is asked about.
    pub horizon: u32,
    /// The day the log ends; without it, that of the last event.
    pub until: Option<Day>,
    /// What stands between two cells of the table; without it, it is found.
    pub delimiter: Option<String>,
}

/// Groups of a column that are compared, at most: the largest.
const MOST_GROUPS: usize = 50;

/// A group of people.
struct Group {
    by: String,
    name: Option<String>,
    people: Vec<usize>,
}

impl OfTable for Settings {
    const NAME: &'static str = "funnel";

    fn run(&self, file: &Path, _: &Path) -> Result<TableDone, NotDone> {
        let names: Vec<String> = self.stages.iter().map(|s| s.trim().to_lowercase()).collect();
        if names.len() < 2 || (1..names.len()).any(|i| names[..i].contains(&names[i])) {
            return Err(wrong("--stages", "two stages or more are needed, each once".to_owned()).into());
        }
        let mut log = Log::read(file, self.delimiter.as_deref())?;
        let (id, time, column) = (log.place(&self.id)?, log.place(&self.time)?, log.place(&self.stage)?);
        let mut groupings: Vec<(String, usize, bool)> = Vec::new();
        for name in &self.by {
            groupings.push((name.clone(), log.place(name)?, false));
        }
        if let Some(name) = &self.roll_up {
            groupings.push((name.clone(), log.place(name)?, true));
        }
        let lines = log.lines(id, time, self.until);
        let (mut events, mut unknown) = (Vec::new(), BTreeMap::<String, usize>::new());
        let mut of_group: Vec<BTreeMap<usize, String>> = vec![BTreeMap::new(); groupings.len()];
        for line in &lines {
            for (groups, (_, at, _)) in of_group.iter_mut().zip(&groupings) {
                let value = log.cell(line.row, *at);
                if !value.is_empty() {
                    groups.entry(line.person as usize).or_insert_with(|| value.to_owned());
                }
            }
            let value = log.cell(line.row, column).to_owned();
            match names.iter().position(|name| *name == value.to_lowercase()) {
                Some(stage) => {
                    events.push(Event { person: line.person, time: line.time, stage: stage as u16 })
                }
                None => {
                    *unknown.entry(value.clone()).or_default() += 1;
                    log.reject(line.row, value, "unknown_stage");
                }
            }
        }
        if events.is_empty() {
            return Err(log.wrong(no_events(&unknown, &self.stages)).into());
        }
        let last = lines.iter().map(|l| l.time).max().unwrap_or(0);
        // The end of the day that was named.
        let until = self.until.map_or(last, |day| (i64::from(day.0) + 1) * Day::MICROS - 1);
        let people = log.ids.len();
        let mut seen = vec![0u64; people];
        events.iter().for_each(|e| seen[e.person as usize] += 1);
        let journeys = journeys(&mut events, people, names.len(), self.policy);
        let (groups, cut) = groups(&journeys, &groupings, &of_group);
        let found = groups
            .iter()
            .map(|g| (0..names.len()).map(|s| self.of(&journeys, g, s, until)).collect::<Result<Vec<_>, _>>())
            .collect::<Result<Vec<Vec<Stage>>, NotDone>>()?;
        let tests = tests(&groups, &found);
        let mut tables = vec![
            self.table(&groups, &found, &tests)?,
            self.times(&found[0])?,
            self.people(&log.ids, &journeys, &seen, until)?,
        ];
        let (rejects, mut warnings) = log.rejects(&FUNNEL_REJECTS)?;
        tables.push(rejects);
        for (by, left) in cut {
            warnings.push(message!("funnel_groups_cut", by = by, shown = MOST_GROUPS, left = left));
        }
        let empty: Vec<Cell> = found[0]
            .iter()
            .zip(&self.stages)
            .filter(|(s, _)| s.people == 0)
            .map(|(_, n)| Cell::text(n))
            .collect();
        if !empty.is_empty() {
            warnings.push(message!("funnel_nobody", stages = Cell::List(empty)));
        }
        let told = vec![self.tell(&groups, &found, &tests, journeys.iter().filter(|j| j.went_back).count())];
        let report = serde_json::json!({
            "rows": log.rows(), "events": events.len(), "rejected": log.left_out(), "people": people,
            "until": Day::of_micros(until),
        });
        let line = [("people", people), ("events", events.len()), ("rejected", log.left_out())]
            .map(|(key, n)| (key.to_owned(), n.into()))
            .into_iter()
            .collect();
        let done = Done { columns: Vec::new(), tables, told, warnings, report };
        Ok(TableDone { done, model_failed: false, line })
    }
}

fn no_events(unknown: &BTreeMap<String, usize>, stages: &[String]) -> String {
    let mut there: Vec<(&String, &usize)> = unknown.iter().collect();
    there.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let there: Vec<String> = there.iter().take(12).map(|(name, n)| format!("`{name}` ({n})")).collect();
    format!(
        "no line is of the stages {}; there are {}. Name them in their order with --stages",
        stages.join(", "),
        if there.is_empty() { "no lines that can be used".to_owned() } else { there.join(", ") }
    )
}

/// Everybody, then the groups of each column, then the months in which people began; and columns with more groups than are
/// compared.
fn groups(
    journeys: &[Journey],
    groupings: &[(String, usize, bool)],
    of_group: &[BTreeMap<usize, String>],
) -> (Vec<Group>, Vec<(String, usize)>) {
    let mut groups = vec![Group { by: "all".to_owned(), name: None, people: (0..journeys.len()).collect() }];
    let mut cut = Vec::new();
    let mut add = |by: &str, people: BTreeMap<String, Vec<usize>>| {
        let mut sizes: Vec<(usize, &String)> = people.iter().map(|(name, p)| (p.len(), name)).collect();
        sizes.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let kept: Vec<String> = sizes.iter().take(MOST_GROUPS).map(|s| s.1.clone()).collect();
        if people.len() > kept.len() {
            cut.push((by.to_owned(), people.len() - kept.len()));
        }
        for (name, people) in people.into_iter().filter(|(name, _)| kept.contains(name)) {
            groups.push(Group { by: by.to_owned(), name: Some(name), people });
        }
    };
    for ((by, _, rolls_up), values) in groupings.iter().zip(of_group) {
        let mut people: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (person, value) in values {
            let levels = if *rolls_up { value.matches('/').count() + 1 } else { 1 };
            for level in 1..=levels {
                let name = match rolls_up {
                    true => {
                        value.splitn(level + 1, '/').take(level).map(str::trim).collect::<Vec<_>>().join("/")
                    }
                    false => value.clone(),
                };
                people.entry(name).or_default().push(*person);
            }
        }
        add(by, people);
    }
    let mut cohorts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (person, journey) in journeys.iter().enumerate() {
        if let Some(began) = journey.reached[0] {
            let day = Day::of_micros(began);
            cohorts.entry(Day::month_name(day.month_index())).or_default().push(person);
        }
    }
    add("cohort", cohorts);
    (groups, cut)
}

/// For each group and step: how certain it is that it differs from all others, by itself and among all of its column.
fn tests(groups: &[Group], found: &[Vec<Stage>]) -> Vec<Vec<(f64, f64)>> {
    let through = |g: usize, s: usize| (found[g][s].people, found[g][s].people + found[g][s].not_through);
    let mut tests: Vec<Vec<(f64, f64)>> = found.iter().map(|s| vec![(f64::NAN, f64::NAN); s.len()]).collect();
    let mut at = 1;
    for same in groups[1..].chunk_by(|a, b| a.by == b.by) {
        let steps = (at..at + same.len()).flat_map(|g| (1..found[0].len()).map(move |s| (g, s)));
        let p_value = |(g, s)| {
            let (all, own) = (through(0, s), through(g, s));
            chi_squared_of_two(own, (all.0 - own.0, all.1 - own.1))
        };
        let p_values: Vec<f64> = steps.map(p_value).collect();
        let adjusted = holm(&p_values);
        let mut next = p_values.into_iter().zip(adjusted);
        for test in &mut tests[at..at + same.len()] {
            for one in &mut test[1..] {
                *one = next.next().unwrap_or((f64::NAN, f64::NAN));
            }
        }
        at += same.len();
    }
    tests
}

impl Settings {
    fn of(&self, journeys: &[Journey], group: &Group, at: usize, until: i64) -> Result<Stage, NotDone> {
        let own: Vec<&Journey> = group.people.iter().map(|p| &journeys[*p]).collect();
        Ok(stage(&own, at, until, f64::from(self.horizon))?)
    }

    fn table(
        &self,
        groups: &[Group],
        found: &[Vec<Stage>],
        tests: &[Vec<(f64, f64)>],
    ) -> Result<crate::analyses::Made, NotDone> {
        let rows: Vec<(usize, usize)> =
            (0..groups.len()).flat_map(|g| (0..self.stages.len()).map(move |s| (g, s))).collect();
        let count = |f: fn(&Stage) -> usize| counts(rows.iter().map(|(g, s)| Some(f(&found[*g][*s]) as u64)));
        let number = |f: fn(&Stage) -> f64| floats(rows.iter().map(|(g, s)| Some(f(&found[*g][*s]))));
        Ok(make(
            &FUNNEL,
            vec![
                ("by", texts(rows.iter().map(|(g, _)| Some(&groups[*g].by)))),
                ("group", texts(rows.iter().map(|(g, _)| groups[*g].name.as_ref()))),
                ("place", ints(rows.iter().map(|(_, s)| *s as i32 + 1))),
                ("stage", texts(rows.iter().map(|(_, s)| Some(&self.stages[*s])))),
                ("people", count(|s| s.people)),
                ("skipped", count(|s| s.skipped)),
                ("not_through", count(|s| s.not_through)),
                ("from_previous", number(|s| s.from_previous.value)),
                ("from_previous_low", number(|s| s.from_previous.low)),
                ("from_previous_high", number(|s| s.from_previous.high)),
                ("from_first", number(|s| s.from_first.value)),
                ("from_first_low", number(|s| s.from_first.low)),
                ("from_first_high", number(|s| s.from_first.high)),
                ("median_days", number(|s| s.median_days.unwrap_or(f64::NAN))),
                ("within_horizon", number(|s| s.within_horizon.value)),
                ("within_horizon_low", number(|s| s.within_horizon.low)),
                ("within_horizon_high", number(|s| s.within_horizon.high)),
                ("p_value", floats(rows.iter().map(|(g, s)| Some(tests[*g][*s].0)))),
                ("p_adjusted", floats(rows.iter().map(|(g, s)| Some(tests[*g][*s].1)))),
            ],
        )?)
    }

    fn times(&self, all: &[Stage]) -> Result<crate::analyses::Made, NotDone> {
        let steps: Vec<_> =
            all.iter().enumerate().flat_map(|(s, stage)| stage.curve.iter().map(move |c| (s, c))).collect();
        Ok(make(
            &FUNNEL_TIMES,
            vec![
                ("place", ints(steps.iter().map(|(s, _)| *s as i32 + 1))),
                ("stage", texts(steps.iter().map(|(s, _)| Some(&self.stages[*s])))),
                ("days", floats(steps.iter().map(|(_, c)| Some(c.time)))),
                ("waiting", counts(steps.iter().map(|(_, c)| Some(c.at_risk as u64)))),
                ("through_now", counts(steps.iter().map(|(_, c)| Some(c.events as u64)))),
                ("share_through", floats(steps.iter().map(|(_, c)| Some(1.0 - c.survival)))),
            ],
        )?)
    }

    fn people(
        &self,
        ids: &[String],
        journeys: &[Journey],
        events: &[u64],
        until: i64,
    ) -> Result<crate::analyses::Made, NotDone> {
        let furthest: Vec<Option<(usize, i64)>> = journeys.iter().map(Journey::furthest).collect();
        Ok(make(
            &FUNNEL_PEOPLE,
            vec![
                ("id", texts(ids.iter().map(Some))),
                ("place", ints(furthest.iter().map(|f| f.map_or(0, |(stage, _)| stage as i32 + 1)))),
                ("stage", texts(furthest.iter().map(|f| f.map(|(stage, _)| &self.stages[stage])))),
                ("reached_on", maybe_days(furthest.iter().map(|f| f.map(|(_, time)| Day::of_micros(time))))),
                (
                    "days_in_stage",
                    floats(
                        furthest
                            .iter()
                            .map(|f| f.map(|(_, time)| (until - time) as f64 / Day::MICROS as f64)),
                    ),
                ),
                ("events", counts(events.iter().map(|n| Some(*n)))),
                ("went_back", booleans(journeys.iter().map(|j| Some(j.went_back)))),
            ],
        )?)
    }

    fn tell(
        &self,
        groups: &[Group],
        found: &[Vec<Stage>],
        tests: &[Vec<(f64, f64)>],
        back: usize,
    ) -> Section {
        let mut section = Section::new("funnel");
        let all = &found[0];
        section.grid(
            ["stage", "people", "from_previous", "from_first", "median_days", "within_horizon", "skipped"],
            usize::MAX,
            all.iter().zip(&self.stages).map(|(s, name)| {
                let share = |share: tillwise_mine::funnel::Share| {
                    if share.value.is_nan() { Cell::Blank } else { Cell::Share(share.value) }
                };
                [
                    Cell::text(name),
                    Cell::count(s.people),
                    share(s.from_previous),
                    share(s.from_first),
                    s.median_days.map_or(Cell::Blank, |d| Cell::Number(d, 1)),
                    share(s.within_horizon),
                    Cell::count(s.skipped),
                ]
            }),
        );
        let policy = match self.policy {
            Policy::Reached => "funnel_reached",
            Policy::Strict => "funnel_strict",
        };
        section.say(policy, vec![("days", Cell::count(self.horizon as usize)), ("back", Cell::count(back))]);
        // Where people are lost most, beyond chance.
        let mut differences: Vec<(f64, usize, usize)> = Vec::new();
        for g in (1..groups.len()).filter(|g| groups[*g].by != "cohort") {
            for s in 1..all.len() {
                if tests[g][s].1 < 0.05 {
                    let gap = found[g][s].from_previous.value - all[s].from_previous.value;
                    differences.push((gap, g, s));
                }
            }
        }
        differences.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, g, s) in differences.iter().take(3) {
            section.say(
                "funnel_differs",
                vec![
                    ("by", Cell::text(&groups[*g].by)),
                    ("group", Cell::text(groups[*g].name.clone().unwrap_or_default())),
                    ("stage", Cell::text(&self.stages[*s])),
                    ("share", Cell::Share(found[*g][*s].from_previous.value)),
                    ("of_all", Cell::Share(all[*s].from_previous.value)),
                ],
            );
        }
        section
    }
}
