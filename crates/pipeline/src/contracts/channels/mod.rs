//! Which channels bring orders, from a log of touches.

pub mod schema;

use std::collections::BTreeMap;
use std::path::Path as File;

use serde::Serialize;
use tillwise_core::{Day, message};
use tillwise_mine::channels::{Credit, Path, Rule, Walk, credit};
use tillwise_report::{Cell, Section};

use super::events::Log;
use super::{OfTable, TableDone, says_no};
use crate::NotDone;
use crate::analyses::{Done, Made, counts, floats, make, texts};
use crate::config::wrong;
use schema::{
    CHANNEL_MIX, CHANNEL_MOVES, CHANNEL_PATHS, CHANNEL_PEOPLE, CHANNEL_REJECTS, CHANNEL_TRANSITIONS, CHANNELS,
};

/// What one call of `tillwise channels` asks for.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// The column that says who.
    pub id: String,
    /// The column that says when.
    pub time: String,
    /// The column with the channel of a touch; blank where a line is an order alone.
    pub channel: String,
    /// The column that says whether an order came: its value, or a yes.
    pub order: String,
    /// The column with what the order is worth, where the other only says yes.
    pub value: Option<String>,
    /// Days before an order in which a touch counts.
    pub window: f64,
    /// Days by which credit halves, for `time_decay`.
    pub half_life: f64,
    /// What stands between two cells of the table; without it, it is found.
    pub delimiter: Option<String>,
}

/// Channels at most: more are campaigns or addresses.
const MOST_CHANNELS: usize = 500;
/// Paths that are published.
const MOST_PATHS: usize = 1000;

/// A touch or an order of a person.
struct Step {
    person: u32,
    time: i64,
    row: usize,
    channel: Option<u16>,
    /// What the order is worth, where one came.
    order: Option<f64>,
}

/// What everybody did.
#[derive(Clone, Default)]
struct Person {
    touches: Vec<u16>,
    orders: u64,
    value: f64,
}

/// What the log came to.
struct Paths {
    names: Vec<String>,
    paths: Vec<Path>,
    people: Vec<Person>,
    /// Orders that no touch came before.
    untouched: Credit,
    /// Touches that lay too long before the order.
    too_early: usize,
}

impl OfTable for Settings {
    const NAME: &'static str = "channels";

    fn run(&self, file: &File, _: &File) -> Result<TableDone, NotDone> {
        for (key, days) in [("--window", self.window), ("--half-life", self.half_life)] {
            if !(days > 0.0 && days <= 36_500.0) {
                return Err(wrong(key, format!("must be within 0 to 36500 days, but is {days}")).into());
            }
        }
        let mut log = Log::read(file, self.delimiter.as_deref())?;
        let (steps, names) = self.steps(&mut log)?;
        let found = self.paths(steps, names, log.ids.len());
        if found.paths.iter().all(|p| p.channels.is_empty()) {
            return Err(log.wrong(format!("no line has a channel in `{}`", self.channel)).into());
        }
        let n = found.names.len();
        let rules = Rule::all(self.half_life);
        let credits = rules.map(|rule| credit(&found.paths, n, rule));
        let credits = credits.into_iter().collect::<Result<Vec<Vec<Credit>>, _>>()?;
        let walk = Walk::of(&found.paths, n);
        let effects = walk.removal_effects()?;
        let (rejects, mut warnings) = log.rejects(&CHANNEL_REJECTS)?;
        if found.untouched.conversions > 0.0 {
            warnings.push(message!(
                "channels_untouched",
                orders = Cell::Count(found.untouched.conversions),
                value = Cell::Count(found.untouched.value),
                days = Cell::Number(self.window, 0)
            ));
        }
        if found.too_early > 0 {
            warnings.push(message!(
                "channels_too_early",
                touches = found.too_early,
                days = Cell::Number(self.window, 0)
            ));
        }
        if !found.paths.iter().any(|p| p.converted) {
            warnings.push(message!("channels_no_orders", column = &self.order));
        } else if found.paths.iter().all(|p| p.converted) {
            warnings.push(message!("channels_no_null_paths"));
        }
        let told = vec![tell(&found, &rules, &credits, &effects)];
        let (paths, cut) = found.whole_paths()?;
        if cut > 0 {
            warnings.push(message!("channels_paths_cut", left = cut, shown = MOST_PATHS));
        }
        let tables = vec![
            found.credits(&rules, &credits, &effects)?,
            found.transitions(&walk)?,
            paths,
            found.people(&log.ids)?,
            found.mix()?,
            found.moves()?,
            rejects,
        ];
        let orders = found.paths.iter().filter(|p| p.converted).count();
        let report = serde_json::json!({
            "rows": log.rows(), "rejected": log.left_out(), "people": log.ids.len(), "channels": n,
            "paths": found.paths.len(), "orders": orders, "orders_without_touch": found.untouched.conversions,
            "touches_too_early": found.too_early,
        });
        let line = [("people", log.ids.len()), ("orders", orders), ("rejected", log.left_out())]
            .map(|(key, n)| (key.to_owned(), n.into()))
            .into_iter()
            .collect();
        Ok(TableDone {
            done: Done { columns: Vec::new(), tables, told, warnings, report },
            model_failed: false,
            line,
        })
    }
}

impl Settings {
    /// The lines that can be used, and the names of the channels in the order of the alphabet.
    fn steps(&self, log: &mut Log) -> Result<(Vec<Step>, Vec<String>), NotDone> {
        let (id, time, channel) = (log.place(&self.id)?, log.place(&self.time)?, log.place(&self.channel)?);
        let order = log.place(&self.order)?;
        let value = self.value.as_ref().map(|name| log.place(name)).transpose()?;
        let lines = log.lines(id, time, None);
        let (mut steps, mut named) = (Vec::new(), BTreeMap::<String, u16>::new());
        for line in lines {
            let said = log.cell(line.row, order).to_owned();
            let came = !["", "0.00"].contains(&said.as_str()) && !says_no(&said.to_lowercase());
            let worth = match value {
                Some(at) => log.cell(line.row, at).to_owned(),
                None => said,
            };
            let worth = match (came, log.number(&worth)) {
                (false, _) => None,
                (true, Some(number)) => Some(number),
                // A yes without a value is one order, worth nothing that is known.
                (true, None) if value.is_none() || worth.is_empty() => {
                    Some(if value.is_none() { 1.0 } else { 0.0 })
                }
                (true, None) => {
                    log.reject(line.row, worth, "bad_value");
                    continue;
                }
            };
            let name = log.cell(line.row, channel).to_owned();
            if name.is_empty() && worth.is_none() {
                log.reject(line.row, "", "missing_channel");
                continue;
            }
            if !name.is_empty() {
                named.entry(name.clone()).or_insert(0);
                if named.len() > MOST_CHANNELS {
                    let problem = format!(
                        "`{}` has more than {MOST_CHANNELS} different values: name a column of channels, and not of campaigns or addresses",
                        self.channel
                    );
                    return Err(log.wrong(problem).into());
                }
            }
            steps.push((line, name, worth));
        }
        named.values_mut().enumerate().for_each(|(i, number)| *number = i as u16);
        let steps = steps
            .into_iter()
            .map(|(line, name, order)| {
                let channel = named.get(&name).copied();
                Step { person: line.person, time: line.time, row: line.row, channel, order }
            })
            .collect();
        Ok((steps, named.into_keys().collect()))
    }

    /// Cuts everybody's steps into paths: up to an order, or to the end of the log.
    fn paths(&self, mut steps: Vec<Step>, names: Vec<String>, people: usize) -> Paths {
        steps.sort_by_key(|s| (s.person, s.time, s.row));
        let mut found = Paths {
            names,
            paths: Vec::new(),
            people: vec![Person::default(); people],
            untouched: Credit::default(),
            too_early: 0,
        };
        for own in steps.chunk_by(|a, b| a.person == b.person) {
            let person = own[0].person as usize;
            let mut open: Vec<(i64, u16)> = Vec::new();
            for step in own {
                if let Some(channel) = step.channel {
                    open.push((step.time, channel));
                    found.people[person].touches.push(channel);
                }
                if let Some(value) = step.order {
                    found.people[person].orders += 1;
                    found.people[person].value += value;
                    self.end(&mut found, &mut open, step.time, Some(value));
                }
            }
            if let Some((last, _)) = open.last().copied() {
                self.end(&mut found, &mut open, last, None);
            }
        }
        found
    }

    fn end(&self, found: &mut Paths, open: &mut Vec<(i64, u16)>, at: i64, value: Option<f64>) {
        let days = |time: i64| (at - time) as f64 / Day::MICROS as f64;
        let before = open.len();
        open.retain(|(time, _)| days(*time) <= self.window);
        found.too_early += before - open.len();
        if let (true, Some(value)) = (open.is_empty(), value) {
            found.untouched.conversions += 1.0;
            found.untouched.value += value;
        }
        if !open.is_empty() {
            found.paths.push(Path {
                channels: open.iter().map(|o| o.1).collect(),
                days_before: open.iter().map(|o| days(o.0)).collect(),
                converted: value.is_some(),
                value: value.unwrap_or(0.0),
            });
        }
        open.clear();
    }
}

impl Paths {
    fn name(&self, channel: u16) -> &String {
        &self.names[channel as usize]
    }

    fn credits(&self, rules: &[Rule], credits: &[Vec<Credit>], effects: &[f64]) -> Result<Made, NotDone> {
        let n = self.names.len();
        let mut touches = vec![0u64; n];
        self.paths.iter().flat_map(|p| &p.channels).for_each(|c| touches[*c as usize] += 1);
        let all: f64 = self.paths.iter().filter(|p| p.converted).map(|p| p.value).sum();
        let rows: Vec<(usize, usize)> = (0..rules.len()).flat_map(|r| (0..n).map(move |c| (r, c))).collect();
        let share = |value: f64| if all > 0.0 { value / all } else { f64::NAN };
        Ok(make(
            &CHANNELS,
            vec![
                ("rule", texts(rows.iter().map(|(r, _)| Some(rules[*r].name())))),
                ("channel", texts(rows.iter().map(|(_, c)| Some(&self.names[*c])))),
                ("touches", counts(rows.iter().map(|(_, c)| Some(touches[*c])))),
                ("orders", floats(rows.iter().map(|(r, c)| Some(credits[*r][*c].conversions)))),
                ("order_value", floats(rows.iter().map(|(r, c)| Some(credits[*r][*c].value)))),
                ("share_of_value", floats(rows.iter().map(|(r, c)| Some(share(credits[*r][*c].value))))),
                (
                    "removal_effect",
                    floats(rows.iter().map(|(r, c)| (rules[*r] == Rule::Markov).then(|| effects[*c]))),
                ),
            ],
        )?)
    }

    fn transitions(&self, walk: &Walk) -> Result<Made, NotDone> {
        let steps: Vec<(usize, usize, u64)> = walk.counts.iter().map(|((a, b), n)| (*a, *b, *n)).collect();
        Ok(make(
            &CHANNEL_TRANSITIONS,
            vec![
                ("from", texts(steps.iter().map(|s| Some(walk.state(&self.names, s.0))))),
                ("to", texts(steps.iter().map(|s| Some(walk.state(&self.names, s.1))))),
                ("steps", counts(steps.iter().map(|s| Some(s.2)))),
                ("probability", floats(steps.iter().map(|s| Some(walk.probability(s.0, s.1))))),
            ],
        )?)
    }

    /// The paths, and how many are not published.
    fn whole_paths(&self) -> Result<(Made, usize), NotDone> {
        #[derive(Default)]
        struct Sum {
            paths: u64,
            orders: u64,
            value: f64,
            days: f64,
        }
        let mut sums: BTreeMap<Vec<u16>, Sum> = BTreeMap::new();
        for path in &self.paths {
            let mut once = path.channels.clone();
            once.dedup();
            let sum = sums.entry(once).or_default();
            sum.paths += 1;
            sum.orders += u64::from(path.converted);
            sum.value += path.value;
            sum.days += path.days_before[0];
        }
        let mut sums: Vec<(Vec<u16>, Sum)> = sums.into_iter().collect();
        sums.sort_by(|a, b| b.1.paths.cmp(&a.1.paths).then(b.1.orders.cmp(&a.1.orders)).then(a.0.cmp(&b.0)));
        let cut = sums.len().saturating_sub(MOST_PATHS);
        sums.truncate(MOST_PATHS);
        let path = |p: &Vec<u16>| p.iter().map(|c| self.name(*c).as_str()).collect::<Vec<_>>().join(" > ");
        let table = make(
            &CHANNEL_PATHS,
            vec![
                ("path", texts(sums.iter().map(|s| Some(path(&s.0))))),
                ("paths", counts(sums.iter().map(|s| Some(s.1.paths)))),
                ("orders", counts(sums.iter().map(|s| Some(s.1.orders)))),
                ("order_value", floats(sums.iter().map(|s| Some(s.1.value)))),
                ("mean_days", floats(sums.iter().map(|s| Some(s.1.days / s.1.paths as f64)))),
            ],
        )?;
        Ok((table, cut))
    }

    fn people(&self, ids: &[String]) -> Result<Made, NotDone> {
        let of = |pick: fn(&Person) -> Option<u16>| {
            texts(self.people.iter().map(|p| pick(p).map(|c| self.name(c))))
        };
        Ok(make(
            &CHANNEL_PEOPLE,
            vec![
                ("id", texts(ids.iter().map(Some))),
                ("touches", counts(self.people.iter().map(|p| Some(p.touches.len() as u64)))),
                ("channels_used", counts(self.people.iter().map(|p| Some(p.channels_used() as u64)))),
                ("main_channel", of(Person::main)),
                ("first_channel", of(|p| p.touches.first().copied())),
                ("last_channel", of(|p| p.touches.last().copied())),
                ("orders", counts(self.people.iter().map(|p| Some(p.orders)))),
                ("order_value", floats(self.people.iter().map(|p| Some(p.value)))),
            ],
        )?)
    }

    fn mix(&self) -> Result<Made, NotDone> {
        let mut mix: BTreeMap<usize, (u64, u64, u64, f64)> = BTreeMap::new();
        for person in &self.people {
            let sum = mix.entry(person.channels_used()).or_default();
            sum.0 += 1;
            sum.1 += u64::from(person.orders > 0);
            sum.2 += person.orders;
            sum.3 += person.value;
        }
        Ok(make(
            &CHANNEL_MIX,
            vec![
                ("channels_used", counts(mix.keys().map(|n| Some(*n as u64)))),
                ("people", counts(mix.values().map(|s| Some(s.0)))),
                ("buyers", counts(mix.values().map(|s| Some(s.1)))),
                ("orders", counts(mix.values().map(|s| Some(s.2)))),
                ("order_value", floats(mix.values().map(|s| Some(s.3)))),
                ("value_per_person", floats(mix.values().map(|s| Some(s.3 / s.0 as f64)))),
            ],
        )?)
    }

    fn moves(&self) -> Result<Made, NotDone> {
        let mut moves: BTreeMap<(u16, u16), u64> = BTreeMap::new();
        for touches in self.people.iter().map(|p| &p.touches).filter(|t| t.len() > 1) {
            *moves.entry((touches[0], touches[touches.len() - 1])).or_default() += 1;
        }
        Ok(make(
            &CHANNEL_MOVES,
            vec![
                ("first_channel", texts(moves.keys().map(|m| Some(self.name(m.0))))),
                ("last_channel", texts(moves.keys().map(|m| Some(self.name(m.1))))),
                ("people", counts(moves.values().map(|n| Some(*n)))),
            ],
        )?)
    }
}

impl Person {
    fn channels_used(&self) -> usize {
        let mut once = self.touches.clone();
        once.sort_unstable();
        once.dedup();
        once.len()
    }

    /// The channel of most touches; of several, the one seen first.
    fn main(&self) -> Option<u16> {
        let times = |c: u16| self.touches.iter().filter(|t| **t == c).count();
        let most = self.touches.iter().map(|c| times(*c)).max()?;
        self.touches.iter().copied().find(|c| times(*c) == most)
    }
}

fn tell(found: &Paths, rules: &[Rule], credits: &[Vec<Credit>], effects: &[f64]) -> Section {
    let mut section = Section::new("channels");
    let by = |rule: &str| rules.iter().position(|r| r.name() == rule).map(|r| &credits[r]);
    let mut order: Vec<usize> = (0..found.names.len()).collect();
    let markov = by("markov");
    let worth = |c: usize| markov.map_or(0.0, |m| m[c].value);
    order.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)).then(a.cmp(b)));
    let value = |rule: &str, c: usize| by(rule).map_or(Cell::Blank, |credits| Cell::Count(credits[c].value));
    section.grid(
        [
            "channel", "first", "last", "linear", "time_decay", "position", "markov", "shapley",
            "removal_effect",
        ],
        20,
        order.iter().map(|c| {
            [
                Cell::text(&found.names[*c]),
                value("first", *c),
                value("last", *c),
                value("linear", *c),
                value("time_decay", *c),
                value("position", *c),
                value("markov", *c),
                value("shapley", *c),
                Cell::Share(effects[*c]),
            ]
        }),
    );
    let orders = found.paths.iter().filter(|p| p.converted);
    section.say(
        "channels_paths",
        vec![
            ("paths", Cell::count(found.paths.len())),
            ("orders", Cell::count(orders.clone().count())),
            ("value", Cell::Count(orders.map(|p| p.value).sum())),
        ],
    );
    section
}
