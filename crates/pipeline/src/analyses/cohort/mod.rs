//! Cohorts, long and wide.

pub mod schema;
pub mod settings;
mod tell;

use std::collections::HashMap;

use serde::Serialize;
use tillwise_core::message;
use tillwise_core::sum_to_f64 as money;
use tillwise_core::told::Message;
use tillwise_mine::cohort::{Calendar, Cell, Seen, cohorts};
use tillwise_mine::ledger::Ledger;
use tillwise_table::TableError;

use super::orders::Orders;
use super::{Context, Done, Made, booleans, counts, days, floats, ints, make, texts};
use crate::analysis::{Analysis, Needs};
use crate::charts::{ChartOf, Picture, Unit};
use crate::{NotDone, PipelineError};
use schema::{COHORT_PERIODS, COHORTS, COHORTS_WIDE};
pub use settings::{CohortBy, Settings};

/// Pictures of its tables.
const CHARTS: &[ChartOf] = &[ChartOf {
    key: "cohort_retention",
    table: "cohorts",
    only: &[("cohort_by", "all")],
    picture: Picture::Heat {
        rows: ("cohort", Unit::Day),
        columns: ("period", Unit::Count),
        shades: "retention",
        unit: Unit::Share,
        most: 24,
        wide: 12,
        past: 1,
    },
}];

/// Cohorts.
pub const ANALYSIS: Analysis = Analysis {
    name: "cohort",
    about: "Only cohorts",
    manual: include_str!("manual.toml"),
    proposes: &["period", "by"],
    tables: schema::TABLES,
    charts: CHARTS,
    needs: |_ask| Needs { orders: true, ..Needs::default() },
    run,
    ..Analysis::NONE
};

#[derive(Serialize)]
struct Report {
    cohorts: usize,
    warnings: Vec<Message>,
}

/// One way of splitting customers: its name, the names of its groups, and the cohorts of them.
struct Split {
    by: &'static str,
    groups: Vec<Option<String>>,
    cells: Vec<Cell>,
}

const OTHER: &str = "(other)";

fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let settings = &context.config.cohort;
    let orders = context.orders()?;
    let ledger = orders.ledger(context.customers.rows())?;
    let calendar = context.config.run.calendar_of(settings.period, settings.fiscal_start_month)?;
    let everyone = vec![0; ledger.customers];
    let mut warnings = Vec::new();
    let mut splits = vec![Split {
        by: "all",
        groups: vec![None],
        cells: cohorts(&ledger, &everyone, calendar, context.as_of)?,
    }];
    for by in &settings.by {
        let values = first_values(orders, &ledger, *by)?;
        if values.iter().all(|v| v.is_empty()) {
            warnings.push(message!("no_cohorts_by", name = by.name()));
            continue;
        }
        let (groups, numbers) = largest(&values, settings.max_groups);
        let cells = cohorts(&ledger, &numbers, calendar, context.as_of)?;
        splits.push(Split { by: by.name(), groups, cells });
    }
    let count = splits[0].cells.iter().filter(|c| c.period == 0).count();
    let longest = splits[0].cells.iter().map(|c| c.period as usize + 1).max().unwrap_or(0);
    if longest > COHORT_PERIODS {
        warnings.push(message!("cohorts_too_wide", columns = COHORT_PERIODS, periods = longest));
    }
    let tables = vec![long(&splits, calendar)?, wide(&splits, calendar)?];
    let told = vec![tell::tell(&splits[0].cells, settings.period)];
    let report = Report { cohorts: count, warnings };
    Ok(Done {
        columns: Vec::new(),
        tables,
        told,
        warnings: report.warnings.clone(),
        report: serde_json::to_value(report)?,
    })
}

/// By customer, the value in the first order; empty without one.
fn first_values<'a>(
    orders: &'a Orders,
    ledger: &Ledger<'_>,
    by: CohortBy,
) -> Result<Vec<&'a str>, PipelineError> {
    let mut first = vec![usize::MAX; ledger.customers];
    for (order, customer) in ledger.order_customer.iter().enumerate() {
        let slot = &mut first[*customer as usize];
        if *slot == usize::MAX && ledger.order_sales[order] > 0 {
            *slot = order;
        }
    }
    let names = match by {
        CohortBy::Country | CohortBy::Channel | CohortBy::Store => {
            let column = orders.texts(by.name())?;
            return Ok(first.iter().map(|order| column.get(*order).copied().unwrap_or("")).collect());
        }
        CohortBy::Category => orders.categories()?,
        CohortBy::Product => orders.products()?,
    };
    // Of the first order, what brought in the most; of equals, the bytewise smallest.
    let mut values = vec![""; ledger.customers];
    let mut at = 0;
    for rows in ledger.order.chunk_by(|a, b| a == b) {
        let range = at..at + rows.len();
        at = range.end;
        let customer = ledger.order_customer[rows[0] as usize] as usize;
        if first[customer] != rows[0] as usize {
            continue;
        }
        let mut sums: HashMap<&str, i128> = HashMap::new();
        for row in range.filter(|r| ledger.is_bought(*r)) {
            if let Some(name) = ledger.product(row).map(|p| names[p]).filter(|n| !n.is_empty()) {
                *sums.entry(name).or_default() += i128::from(ledger.gross_e4[row]);
            }
        }
        let best = sums.into_iter().max_by_key(|(name, sum)| (*sum, std::cmp::Reverse(*name)));
        values[customer] = best.map_or("", |(name, _)| name);
    }
    Ok(values)
}

/// The largest groups by customers, the rest drawn together, those without a value apart.
fn largest(values: &[&str], most: usize) -> (Vec<Option<String>>, Vec<u32>) {
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    values.iter().filter(|v| !v.is_empty()).for_each(|v| *sizes.entry(v).or_default() += 1);
    let mut order: Vec<(&str, usize)> = sizes.into_iter().collect();
    order.sort_unstable_by_key(|(name, size)| (std::cmp::Reverse(*size), *name));
    let kept = order.len().min(most);
    let mut names: Vec<Option<String>> = order[..kept].iter().map(|(n, _)| Some((*n).to_owned())).collect();
    let number: HashMap<&str, u32> =
        order[..kept].iter().enumerate().map(|(i, (name, _))| (*name, i as u32)).collect();
    names.extend([Some(OTHER.to_owned()), None]);
    let numbers = values
        .iter()
        .map(|v| if v.is_empty() { kept as u32 + 1 } else { number.get(v).copied().unwrap_or(kept as u32) })
        .collect();
    (names, numbers)
}

/// What is told of a cohort in a period, per customer of the cohort.
const MEASURES: [&str; 6] = [
    "retention",
    "orders_per_customer",
    "revenue_per_customer",
    "cumulative_revenue_per_customer",
    "margin_per_customer",
    "cumulative_margin_per_customer",
];

fn measure(cell: &Cell, which: usize) -> Option<f64> {
    let n = cell.customers as f64;
    let s: Seen = cell.seen?;
    match which {
        0 => Some(s.active as f64 / n),
        1 => Some(s.orders as f64 / n),
        2 => Some(money(s.revenue_e4) / n),
        3 => Some(money(s.cumulative_revenue_e4) / n),
        4 => s.margin_e4.map(|m| money(m) / n),
        _ => s.cumulative_margin_e4.map(|m| money(m) / n),
    }
}

fn long(splits: &[Split], calendar: Calendar) -> Result<Made, TableError> {
    let all = || splits.iter().flat_map(|s| s.cells.iter().map(move |c| (s, c)));
    let seen = |f: &dyn Fn(Seen) -> u64| counts(all().map(|(_, c)| c.seen.map(f)));
    let value = |which: usize| floats(all().map(|(_, c)| measure(c, which)));
    make(
        &COHORTS,
        vec![
            ("cohort_by", texts(all().map(|(s, _)| Some(s.by)))),
            ("cohort_group", texts(all().map(|(s, c)| s.groups[c.group as usize].as_deref()))),
            ("cohort", days(all().map(|(_, c)| calendar.start(c.cohort)))),
            ("period", ints(all().map(|(_, c)| c.period as i32))),
            ("period_start", days(all().map(|(_, c)| calendar.start(c.cohort + c.period as i32)))),
            ("customers", counts(all().map(|(_, c)| Some(c.customers as u64)))),
            ("is_complete", booleans(all().map(|(_, c)| c.seen.map(|s| s.complete)))),
            ("active_customers", seen(&|s| s.active as u64)),
            ("retention", value(0)),
            ("orders", seen(&|s| s.orders as u64)),
            ("orders_per_customer", value(1)),
            ("net_revenue", floats(all().map(|(_, c)| c.seen.map(|s| money(s.revenue_e4))))),
            ("revenue_per_customer", value(2)),
            ("cumulative_revenue_per_customer", value(3)),
            ("margin", floats(all().map(|(_, c)| c.seen.and_then(|s| s.margin_e4).map(money)))),
            ("margin_per_customer", value(4)),
            ("cumulative_margin_per_customer", value(5)),
        ],
    )
}

fn wide(splits: &[Split], calendar: Calendar) -> Result<Made, TableError> {
    // The cells of a cohort, for each measure.
    let rows: Vec<(&Split, &[Cell], usize)> = splits
        .iter()
        .flat_map(|s| {
            s.cells.chunk_by(|a, b| (a.group, a.cohort) == (b.group, b.cohort)).map(move |c| (s, c))
        })
        .flat_map(|(s, cells)| (0..MEASURES.len()).map(move |which| (s, cells, which)))
        .collect();
    let mut columns = vec![
        ("cohort_by", texts(rows.iter().map(|(s, _, _)| Some(s.by)))),
        ("cohort_group", texts(rows.iter().map(|(s, c, _)| s.groups[c[0].group as usize].as_deref()))),
        ("cohort", days(rows.iter().map(|(_, c, _)| calendar.start(c[0].cohort)))),
        ("customers", counts(rows.iter().map(|(_, c, _)| Some(c[0].customers as u64)))),
        ("measure", texts(rows.iter().map(|(_, _, which)| Some(MEASURES[*which])))),
    ];
    let names: Vec<String> = (0..COHORT_PERIODS).map(|period| format!("period_{period}")).collect();
    columns.extend(names.iter().enumerate().map(|(period, name)| {
        let values = rows.iter().map(|(_, cells, which)| cells.get(period).and_then(|c| measure(c, *which)));
        (name.as_str(), floats(values))
    }));
    make(&COHORTS_WIDE, columns)
}
