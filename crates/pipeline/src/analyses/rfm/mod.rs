//! RFM scores, segments, their history and their tables.

pub mod schema;
pub mod settings;
mod tell;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tillwise_core::message;
use tillwise_core::schema::SUMMARY;
use tillwise_core::told::Message;
use tillwise_core::{Day, ModelFile};
use tillwise_mine::rfm::{Input, Rfm, Score};
use tillwise_table::{Table, TableError};

use super::{Context, Done, Made, Sums, counts, days, floats, ints, make, texts};
use crate::analysis::{Analysis, Ask, CustomerTable, Needs};
use crate::charts::{ChartOf, Picture, Unit};
use crate::{Config, Mode, NotDone};
use schema::{RFM_BREAKS, SEGMENT_GROUPS, SEGMENT_HISTORY, SEGMENT_MIGRATION, SEGMENTS};
pub use settings::{Segments, Settings};

/// Pictures of its tables.
const CHARTS: &[ChartOf] = &[
    ChartOf {
        key: "segments_revenue",
        table: "segments",
        only: &[],
        picture: Picture::Bars { names: "rfm_segment", bars: "net_revenue", unit: Unit::Count, most: 15 },
    },
    ChartOf {
        key: "segments_over_time",
        table: "segment_history",
        only: &[],
        picture: Picture::Heat {
            rows: ("rfm_segment", Unit::Word),
            columns: ("as_of", Unit::Day),
            shades: "customer_share",
            unit: Unit::Share,
            most: 15,
            wide: 13,
            past: 0,
        },
    },
    ChartOf {
        key: "segment_moves",
        table: "segment_migration",
        only: &[],
        picture: Picture::Heat {
            rows: ("segment_before", Unit::Word),
            columns: ("segment", Unit::Word),
            shades: "share_of_before",
            unit: Unit::Share,
            most: 15,
            wide: 15,
            past: 0,
        },
    },
];

/// RFM.
pub const ANALYSIS: Analysis = Analysis {
    name: "rfm",
    about: "Only RFM",
    manual: include_str!("manual.toml"),
    proposes: &["bins", "segments", "compare_days"],
    tables: schema::TABLES,
    charts: CHARTS,
    scores: schema::SCORES,
    has_model: true,
    looks_back: |config| config.rfm.refresh_days > 0,
    needs,
    run,
    ..Analysis::NONE
};

fn needs(ask: &Ask<'_>) -> Needs {
    let settings = &ask.config.rfm;
    let days = earlier_days(ask.config, ask.first, ask.as_of);
    Needs { tables: days.into_iter().map(|day| picture(settings, day)).collect(), ..Needs::default() }
}

/// The customer table of an earlier day, as far as segments need it.
fn picture(settings: &Settings, day: Day) -> CustomerTable {
    let by = SUMMARY.iter().map(|c| c.name).find(|name| settings.scoring.by.as_deref() == Some(name));
    let columns = ["customer_id", "days_since_last", "orders", "net_revenue", "mean_gap_days", "x"];
    CustomerTable { only: Some(columns.into_iter().chain(by).collect()), ..CustomerTable::of(day) }
}

/// The days that segments are looked at again: the comparison's, and the ends of past months, the latest first; none before the first order.
fn earlier_days(config: &Config, first: Day, as_of: Day) -> Vec<Day> {
    let (settings, months) = (&config.rfm, config.run.calendar);
    let month = months.index(as_of);
    let mut days: Vec<Day> =
        (0..settings.history_months).map(|back| months.start(month - back) - 1).collect();
    if settings.compare_days > 0 {
        days.push(as_of - settings.compare_days);
    }
    days.retain(|day| *day >= first && *day < as_of);
    days.sort_unstable();
    days.dedup();
    days.reverse();
    days
}

#[derive(Serialize, Deserialize)]
struct Report {
    customers: usize,
    warnings: Vec<Message>,
    /// Where an earlier run's break points were used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reused: Option<Reused>,
    /// With `[rfm] by`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    groups: Option<Groups>,
}

#[derive(Serialize, Deserialize)]
struct Reused {
    break_points_of: Day,
    scores_that_new_ones_would_change: usize,
    share: f64,
}

#[derive(Serialize, Deserialize)]
struct Groups {
    by: String,
    own_breaks: Vec<String>,
}

/// The columns of a customer table that RFM reads.
struct Columns<'a> {
    numbers: [Vec<f64>; 5],
    ids: Vec<&'a str>,
    groups: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn read(table: &'a Table, by: Option<&str>) -> Result<Columns<'a>, NotDone> {
        let number = |name| table.f64s(name);
        Ok(Columns {
            numbers: [
                number("days_since_last")?,
                number("orders")?,
                number("net_revenue")?,
                number("mean_gap_days")?,
                number("x")?,
            ],
            ids: table.texts("customer_id")?,
            groups: by.map(|by| table.texts(by)).transpose()?.unwrap_or_default(),
        })
    }

    fn input(&self) -> Input<'_> {
        let [days_since_last, orders, net_revenue, mean_gap_days, x] = &self.numbers;
        Input { days_since_last, orders, net_revenue, mean_gap_days, x, ids: &self.ids, groups: &self.groups }
    }
}

fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let table = context.customers;
    let settings = context.config.rfm.settings()?;
    let reused = context.reused(context.config.rfm.refresh_days, |m: &Rfm| m.suits(&settings));
    let was_reused = reused.is_some();
    let by = match context.mode {
        Mode::Fit => settings.scoring.by.clone(),
        Mode::Score { models } if models.join(ModelFile::<Rfm>::file_name()).exists() => {
            ModelFile::<Rfm>::load(models)?.parameters.by
        }
        Mode::Score { .. } => None,
    };
    let columns = Columns::read(table, by.as_deref())?;
    let input = columns.input();
    let mut warnings = Vec::new();
    if let (Some(Err(why)), true) = (context.last::<Rfm>(), context.config.rfm.refresh_days > 0) {
        warnings.push(message!("last_breaks_unusable", why = why));
    }
    let n = input.orders.len();
    let (file, mut report) = context.model(reused, || {
        let report = Report { customers: n, warnings, reused: None, groups: None };
        Ok((Rfm::fit(input, &settings)?, report))
    })?;
    let fitted_as_of = file.fitted_as_of.unwrap_or(context.as_of);
    let model = &file.parameters;
    let scores = model.score(input);
    let segments: Vec<&str> = scores.iter().map(|s| model.segment(*s)).collect();
    let [since, orders, revenue, gaps, x] = &columns.numbers;

    let mut tables = Vec::new();
    if context.mode == &Mode::Fit {
        let fresh = if was_reused { Rfm::fit(input, &settings)? } else { model.clone() };
        tables.push(breaks_table(model, &fresh, fitted_as_of)?);
        if was_reused {
            let moved = fresh.score(input).iter().zip(&scores).filter(|(a, b)| a != b).count();
            report.reused = Some(Reused {
                break_points_of: fitted_as_of,
                scores_that_new_ones_would_change: moved,
                share: moved as f64 / n.max(1) as f64,
            });
        }
    }

    let names = model.segments.names();
    let place = |name: &str| names.iter().position(|n| *n == name).unwrap_or(names.len());
    let mut history = vec![of_day(context.as_of, &segments, revenue, &names)];
    let mut before = None;
    for day in earlier_days(context.config, context.first, context.as_of) {
        let table = context.table(&picture(&context.config.rfm, day))?;
        let earlier = Columns::read(&table, by.as_deref())?;
        let scores = model.score(earlier.input());
        let then: Vec<&str> = scores.iter().map(|s| model.segment(*s)).collect();
        let months = context.config.run.calendar;
        let months_ago = months.index(context.as_of) - months.index(day);
        let month_end = months.index(day) != months.index(day + 1);
        if month_end && (1..=context.config.rfm.history_months).contains(&months_ago) {
            history.push(of_day(day, &then, &earlier.numbers[2], &names));
        }
        if day == context.as_of - context.config.rfm.compare_days {
            // Both tables are in the order of ids.
            let mut at = 0;
            let segment_of = |id: &&str| {
                while earlier.ids.get(at).is_some_and(|e| e < id) {
                    at += 1;
                }
                (earlier.ids.get(at) == Some(id)).then(|| place(then[at]))
            };
            before = Some((day, columns.ids.iter().map(segment_of).collect::<Vec<Option<usize>>>()));
        }
    }
    if context.config.rfm.history_months > 0 {
        tables.push(history_table(history, &names)?);
    }
    let now: Vec<usize> = segments.iter().map(|s| place(s)).collect();
    let ways = before.as_ref().map(|(_, then)| ways(then, &now, revenue));
    if let (Some((day, _)), Some(ways)) = (&before, &ways) {
        tables.push(migration_table(*day, context.as_of, ways, &names)?);
    }
    if let Some(by) = &model.by {
        tables.push(groups_table(model, &columns.groups, &now, revenue, &names)?);
        report.groups = Some(Groups { by: by.clone(), own_breaks: model.groups.keys().cloned().collect() });
    }

    // In the order of the map, so that the best come first.
    let mut sums: BTreeMap<usize, Sums<3>> = BTreeMap::new();
    for (i, segment) in now.iter().enumerate() {
        sums.entry(*segment).or_insert_with(Sums::new).add([since[i], orders[i], revenue[i]]);
    }
    let total_revenue: f64 = sums.values().map(|s| s.sums[2]).sum();
    let rows = || sums.iter();
    let moves = |count: &dyn Fn(usize, &Ways) -> u64| {
        counts(rows().map(|(segment, _)| ways.as_ref().map(|w| count(*segment, w))))
    };
    let total = |w: &Ways, keep: &dyn Fn(Option<usize>, usize) -> bool| {
        w.iter().filter(|((then, now), _)| keep(*then, *now)).map(|(_, s)| s.customers as u64).sum()
    };
    let segments_table = make(
        &SEGMENTS,
        vec![
            ("rfm_segment", texts(rows().map(|(s, _)| names.get(*s)))),
            ("customers", counts(rows().map(|(_, s)| Some(s.customers as u64)))),
            ("customer_share", floats(rows().map(|(_, s)| Some(s.customers as f64 / n as f64)))),
            ("orders", counts(rows().map(|(_, s)| Some(s.sums[1] as u64)))),
            ("net_revenue", floats(rows().map(|(_, s)| Some(s.sums[2])))),
            (
                "revenue_share",
                floats(rows().map(|(_, s)| (total_revenue != 0.0).then(|| s.sums[2] / total_revenue))),
            ),
            ("mean_days_since_last", floats(rows().map(|(_, s)| Some(s.mean(0))))),
            ("mean_orders", floats(rows().map(|(_, s)| Some(s.mean(1))))),
            ("mean_net_revenue", floats(rows().map(|(_, s)| Some(s.mean(2))))),
            ("customers_before", moves(&|segment, w| total(w, &|then, _| then == Some(segment)))),
            ("entered", moves(&|segment, w| total(w, &|then, now| now == segment && then != Some(segment)))),
            ("left", moves(&|segment, w| total(w, &|then, now| then == Some(segment) && now != segment))),
        ],
    )?;
    tables.push(segments_table);
    let score = |f: &dyn Fn(&Score) -> u8| ints(scores.iter().map(|s| i32::from(f(s))));
    let then = |i: usize| before.as_ref().and_then(|(_, then)| then[i]).and_then(|s| names.get(s));
    let rhythms: Vec<Option<&str>> = (0..n).map(|i| model.rhythm.status(x[i], since[i], gaps[i])).collect();
    let told = tell::tell(&names, &sums, &rhythms, context.config.rfm.compare_days, ways.as_ref());
    Ok(Done {
        columns: vec![
            ("r_score", score(&|s| s.r)),
            ("f_score", score(&|s| s.f)),
            ("m_score", score(&|s| s.m)),
            ("rfm_score", texts(scores.iter().map(|s| Some(s.to_string())))),
            ("rfm_weighted_score", floats(scores.iter().map(|s| Some(model.weighted(*s))))),
            ("rfm_segment", texts(segments.iter().map(Some))),
            ("rfm_segment_before", texts((0..n).map(then))),
            ("buying_rhythm", texts(rhythms)),
            ("buyer_class", texts(orders.iter().map(|o| Some(model.rhythm.buyer_class(*o))))),
        ],
        tables,
        told: vec![told],
        warnings: report.warnings.clone(),
        report: serde_json::to_value(report)?,
    })
}

/// Customers and net revenue of each segment, in the order of the names.
fn of_day(as_of: Day, segments: &[&str], revenue: &[f64], names: &[&str]) -> (Day, Vec<Sums<1>>) {
    let mut sums = vec![Sums::new(); names.len()];
    for (segment, revenue) in segments.iter().zip(revenue) {
        if let Some(place) = names.iter().position(|n| n == segment) {
            sums[place].add([*revenue]);
        }
    }
    (as_of, sums)
}

fn history_table(mut history: Vec<(Day, Vec<Sums<1>>)>, names: &[&str]) -> Result<Made, TableError> {
    history.sort_by_key(|h| h.0);
    let rows: Vec<(Day, &str, Sums<1>, usize)> = history
        .iter()
        .flat_map(|(day, sums)| {
            let all = sums.iter().map(|s| s.customers).sum();
            names
                .iter()
                .zip(sums)
                .filter(|(_, s)| s.customers > 0)
                .map(move |(name, s)| (*day, *name, *s, all))
        })
        .collect();
    make(
        &SEGMENT_HISTORY,
        vec![
            ("as_of", days(rows.iter().map(|r| r.0))),
            ("rfm_segment", texts(rows.iter().map(|r| Some(r.1)))),
            ("customers", counts(rows.iter().map(|r| Some(r.2.customers as u64)))),
            ("customer_share", floats(rows.iter().map(|r| Some(r.2.customers as f64 / r.3 as f64)))),
            ("net_revenue", floats(rows.iter().map(|r| Some(r.2.sums[0])))),
        ],
    )
}

/// Customers, and their net revenue, by segment then (if they were customers) and now.
type Ways = BTreeMap<(Option<usize>, usize), Sums<1>>;

fn ways(then: &[Option<usize>], now: &[usize], revenue: &[f64]) -> Ways {
    let mut ways = Ways::new();
    for ((then, now), revenue) in then.iter().zip(now).zip(revenue) {
        ways.entry((*then, *now)).or_insert_with(Sums::new).add([*revenue]);
    }
    ways
}

fn migration_table(before: Day, as_of: Day, ways: &Ways, names: &[&str]) -> Result<Made, TableError> {
    let size = |segment: usize| -> f64 {
        ways.iter().filter(|((then, _), _)| *then == Some(segment)).map(|(_, s)| s.customers as f64).sum()
    };
    let rows = || ways.iter();
    make(
        &SEGMENT_MIGRATION,
        vec![
            ("as_of_before", days(rows().map(|_| before))),
            ("as_of", days(rows().map(|_| as_of))),
            ("segment_before", texts(rows().map(|((then, _), _)| then.and_then(|t| names.get(t))))),
            ("segment", texts(rows().map(|((_, now), _)| names.get(*now)))),
            ("customers", counts(rows().map(|(_, s)| Some(s.customers as u64)))),
            (
                "share_of_before",
                floats(rows().map(|((then, _), s)| then.map(|t| s.customers as f64 / size(t)))),
            ),
            ("net_revenue", floats(rows().map(|(_, s)| Some(s.sums[0])))),
        ],
    )
}

fn groups_table(
    model: &Rfm,
    groups: &[&str],
    now: &[usize],
    revenue: &[f64],
    names: &[&str],
) -> Result<Made, TableError> {
    let mut sums: BTreeMap<(&str, usize), Sums<1>> = BTreeMap::new();
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, group) in groups.iter().enumerate() {
        sums.entry((group, now[i])).or_insert_with(Sums::new).add([revenue[i]]);
        *sizes.entry(group).or_default() += 1;
    }
    let rows = || sums.iter();
    let own = rows().map(|((group, _), _)| Some(model.groups.contains_key(*group)));
    make(
        &SEGMENT_GROUPS,
        vec![
            ("customer_group", texts(rows().map(|((group, _), _)| Some(*group).filter(|g| !g.is_empty())))),
            ("own_breaks", std::sync::Arc::new(own.collect::<arrow::array::BooleanArray>())),
            ("rfm_segment", texts(rows().map(|((_, segment), _)| names.get(*segment)))),
            ("customers", counts(rows().map(|(_, s)| Some(s.customers as u64)))),
            (
                "share_of_group",
                floats(rows().map(|((group, _), s)| Some(s.customers as f64 / sizes[group] as f64))),
            ),
            ("net_revenue", floats(rows().map(|(_, s)| Some(s.sums[0])))),
        ],
    )
}

fn breaks_table(model: &Rfm, fresh: &Rfm, fitted_as_of: Day) -> Result<Made, TableError> {
    let moves = model.moves(fresh);
    make(
        &RFM_BREAKS,
        vec![
            ("customer_group", texts(moves.iter().map(|m| m.group.as_deref()))),
            ("measure", texts(moves.iter().map(|m| Some(m.measure)))),
            ("within", texts(moves.iter().map(|m| Some(&m.within)))),
            ("break_number", ints(moves.iter().map(|m| m.number as i32))),
            ("break_value", floats(moves.iter().map(|m| m.at))),
            ("fresh_value", floats(moves.iter().map(|m| m.fresh))),
            ("fitted_as_of", days(moves.iter().map(|_| fitted_as_of))),
        ],
    )
}
