//! What the next weeks bring: see [`tillwise_mine::forecast`].

pub mod schema;
pub mod settings;
mod tell;

use serde::Serialize;
use tillwise_core::Day;
use tillwise_core::message;
use tillwise_core::told::{Cell, Message};
use tillwise_mine::MineError;
use tillwise_mine::clv::{Clv, Input, Settings as FitSettings, Value};
use tillwise_mine::forecast::{
    Ahead, COMBINED, Coverage, Forecaster, Row, Settings as Cut, Snapshot, Target,
};
use tillwise_table::{Table, TableError};

use super::{Context, Done, Made, counts, days, floats, make, texts};
use crate::NotDone;
use crate::analysis::{Analysis, Ask, CustomerTable, Needs};
use crate::charts::{ChartOf, Picture, Unit};
use schema::{FORECAST_COVERAGE, FORECAST_ORIGINS};
use settings::STEP_DAYS;
pub use settings::Settings;

/// A target over the origins, with its range and what came.
const FORECAST: Picture = Picture::Lines {
    x: ("window_end", Unit::Day),
    y: &["expected", "actual"],
    unit: Unit::Count,
    by: None,
    band: Some(["low", "high"]),
    diagonal: false,
};

/// Pictures of its tables.
const CHARTS: &[ChartOf] = &[
    ChartOf {
        key: "forecast_revenue",
        table: "forecast_origins",
        only: &[("target", "all_revenue"), ("method", "combined")],
        picture: FORECAST,
    },
    ChartOf {
        key: "forecast_orders",
        table: "forecast_origins",
        only: &[("target", "all_orders"), ("method", "combined")],
        picture: FORECAST,
    },
];

/// Forecasts.
pub const ANALYSIS: Analysis = Analysis {
    name: "forecast",
    about: "Only what the next weeks bring, judged at past days",
    manual: include_str!("manual.toml"),
    proposes: &["horizon_days"],
    tables: schema::TABLES,
    charts: CHARTS,
    scores: schema::SCORES,
    needs,
    run,
    ..Analysis::NONE
};

fn needs(ask: &Ask<'_>) -> Needs {
    let days = past_days(&ask.config.forecast, ask.first, ask.as_of);
    Needs { tables: days.into_iter().map(picture).collect(), ..Needs::default() }
}

/// The past days that the history carries, the earliest first.
fn past_days(settings: &Settings, first: Day, as_of: Day) -> Vec<Day> {
    let back = (1..=settings.history_days / STEP_DAYS).map(|n| as_of - n * STEP_DAYS);
    let mut days: Vec<Day> = back.take_while(|day| *day >= first).collect();
    days.reverse();
    days
}

/// What forecasts read of a past day's customer table.
const COLUMNS: [&str; 8] =
    ["customer_id", "orders", "order_days", "net_revenue", "x", "t_x_days", "age_days", "mean_repeat_spend"];

fn picture(day: Day) -> CustomerTable {
    CustomerTable { only: Some(COLUMNS.to_vec()), ..CustomerTable::of(day) }
}

#[derive(Serialize)]
struct Report {
    /// Origins whose window is over.
    origins: usize,
    /// The mean absolute error of the combination, of the model alone, and of the last window again, by target.
    errors: Vec<ErrorOf>,
    warnings: Vec<Message>,
}

/// How a method did over the origins whose window is over.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct ErrorOf {
    target: Target,
    method: &'static str,
    origins: usize,
    mean_absolute_error: f64,
    least: f64,
    most: f64,
}

fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let settings = &context.config.forecast;
    let ids = context.customers.texts("customer_id")?;
    let cut = Cut {
        step_days: STEP_DAYS,
        horizon: settings.horizon(),
        year: (360 / STEP_DAYS) as usize,
        coverage: settings.coverage,
    };
    let mut forecaster = Forecaster::new(cut);
    for day in past_days(settings, context.first, context.as_of) {
        let table = context.table(&picture(day))?;
        forecaster.take(snapshot(settings, day, &table, &ids)?.0);
    }
    let (today, why_not) = snapshot(settings, context.as_of, context.customers, &ids)?;
    if let Some(why) = why_not {
        return Err(NotDone::Skipped(why));
    }
    forecaster.take(today);
    let found = forecaster.finish();
    let errors = errors(&found.rows);
    let origins = errors.iter().map(|e| e.origins).max().unwrap_or(0);
    let mut warnings = Vec::new();
    if origins < 3 {
        let days = settings.horizon_days;
        warnings.push(message!("few_origins", origins = origins, days = days));
    }
    let of = |target: Target, method: &str| errors.iter().find(|e| e.target == target && e.method == method);
    for (target, what) in [(Target::KnownOrders, "orders"), (Target::KnownRevenue, "revenue")] {
        if let (Some(ours), Some(naive)) = (of(target, COMBINED), of(target, "last_window"))
            && ours.mean_absolute_error > naive.mean_absolute_error
        {
            warnings.push(message!(
                "last_window_better",
                what = Cell::word(what),
                theirs = Cell::Share(naive.mean_absolute_error),
                ours = Cell::Share(ours.mean_absolute_error)
            ));
        }
    }
    let told = vec![tell::tell(settings, &found.rows, &errors, &found.coverage)];
    let column = |which: usize, f: fn(&Ahead) -> f64| floats(found.ahead[which].iter().map(|a| Some(f(a))));
    let report = Report { origins, errors, warnings };
    Ok(Done {
        columns: vec![
            ("orders_ahead", column(0, |a| a.expected)),
            ("orders_ahead_low", column(0, |a| a.low)),
            ("orders_ahead_high", column(0, |a| a.high)),
            ("revenue_ahead", column(1, |a| a.expected)),
            ("revenue_ahead_low", column(1, |a| a.low)),
            ("revenue_ahead_high", column(1, |a| a.high)),
        ],
        tables: vec![origins_table(&found.rows)?, coverage_table(&found.coverage)?],
        told,
        warnings: report.warnings.clone(),
        report: serde_json::to_value(report)?,
    })
}

/// What is known on a day, for each of today's customers, and why no model could be fitted, if none could.
fn snapshot(
    settings: &Settings,
    day: Day,
    table: &Table,
    today: &[&str],
) -> Result<(Snapshot, Option<String>), NotDone> {
    let column = |name: &str| table.f64s(name);
    let (orders, order_days, revenue) = (column("orders")?, column("order_days")?, column("net_revenue")?);
    let (x, t_x, age, spend) =
        (column("x")?, column("t_x_days")?, column("age_days")?, column("mean_repeat_spend")?);
    let unknown = vec![f64::NAN; x.len()];
    let input = Input {
        x: &x,
        t_x_days: &t_x,
        age_days: &age,
        mean_ln_gap_days: &unknown,
        mean_repeat_spend: &spend,
        orders: &orders,
        net_revenue: &revenue,
        cost: &unknown,
        groups: &[],
        known: &[],
        occasions: None,
    };
    let value = Value {
        horizon_days: f64::from(settings.horizon_days),
        annual_discount_rate: 0.0,
        interval: 0.0,
        ..Value::default()
    };
    let fit = Clv::fit(input, &FitSettings { model: settings.model, value, ..FitSettings::default() });
    let (scores, why_not) = match fit {
        Ok((model, _)) => (Some(model.score(input)), None),
        Err(e @ (MineError::Data { .. } | MineError::NotConverged { .. })) => (None, Some(e.to_string())),
        Err(e) => return Err(e.into()),
    };
    // Both lists of ids ascend.
    let ids = table.texts("customer_id")?;
    let mut places = Vec::with_capacity(ids.len());
    let mut at = 0;
    for id in ids {
        while today.get(at).is_some_and(|t| *t < id) {
            at += 1;
        }
        places.push(at);
    }
    let n = today.len();
    let mut snapshot = Snapshot {
        day,
        orders: vec![f32::NAN; n],
        revenue: vec![f64::NAN; n],
        age_days: vec![f32::NAN; n],
        expected: scores.as_ref().map(|_| [vec![f32::NAN; n], vec![f32::NAN; n]]),
    };
    for (row, place) in places.into_iter().enumerate() {
        snapshot.orders[place] = order_days[row] as f32;
        snapshot.revenue[place] = revenue[row];
        snapshot.age_days[place] = age[row] as f32;
        if let (Some(expected), Some(scores)) = (&mut snapshot.expected, &scores) {
            let clv = scores[row].clv;
            expected[0][place] = scores[row].expected_orders as f32;
            // Where the spend has no model, nothing is said of revenue.
            expected[1][place] = if clv.is_finite() { clv as f32 } else { 0.0 };
        }
    }
    Ok((snapshot, why_not))
}

/// How the combination, the model alone and the last window did, all at the same origins: those that are over, and where each of them
/// said something.
fn errors(rows: &[Row]) -> Vec<ErrorOf> {
    let mut found: Vec<ErrorOf> = Vec::new();
    for target in Target::ALL {
        let of = |method: &str| -> Vec<(Day, f64)> {
            let own = rows.iter().filter(|r| r.target == target && r.method == method);
            own.filter_map(|r| Some((r.origin, r.expected / r.actual.filter(|a| *a > 0.0)? - 1.0))).collect()
        };
        let methods = [COMBINED, "model", "last_window"].map(|method| (method, of(method)));
        // Everyone, newcomers included, is forecast by the combination alone.
        let given = || methods.iter().filter(|(_, errors)| !errors.is_empty());
        for (method, errors) in given() {
            let in_all = |day: &Day| given().all(|(_, errors)| errors.iter().any(|e| e.0 == *day));
            let errors: Vec<f64> = errors.iter().filter(|e| in_all(&e.0)).map(|e| e.1).collect();
            if errors.is_empty() {
                continue;
            }
            found.push(ErrorOf {
                target,
                method,
                origins: errors.len(),
                mean_absolute_error: errors.iter().map(|e| e.abs()).sum::<f64>() / errors.len() as f64,
                least: errors.iter().copied().fold(f64::INFINITY, f64::min),
                most: errors.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            });
        }
    }
    found
}

fn origins_table(rows: &[Row]) -> Result<Made, TableError> {
    let each = || rows.iter();
    let error = |r: &Row| r.actual.filter(|a| *a > 0.0).map(|a| r.expected / a - 1.0);
    make(
        &FORECAST_ORIGINS,
        vec![
            ("origin", days(each().map(|r| r.origin))),
            ("window_end", days(each().map(|r| r.window_end))),
            ("target", texts(each().map(|r| Some(r.target.name())))),
            ("method", texts(each().map(|r| Some(r.method)))),
            ("weight", floats(each().map(|r| r.weight))),
            ("expected", floats(each().map(|r| Some(r.expected)))),
            ("low", floats(each().map(|r| r.range.map(|r| r.0)))),
            ("high", floats(each().map(|r| r.range.map(|r| r.1)))),
            ("actual", floats(each().map(|r| r.actual))),
            ("error", floats(each().map(error))),
            ("customer_mae", floats(each().map(|r| r.by_customer.map(|b| b.mae)))),
            (
                "customer_rank_correlation",
                floats(each().map(|r| r.by_customer.and_then(|b| b.rank_correlation))),
            ),
        ],
    )
}

fn coverage_table(coverage: &[Coverage]) -> Result<Made, TableError> {
    let each = || coverage.iter();
    make(
        &FORECAST_COVERAGE,
        vec![
            ("target", texts(each().map(|c| Some(c.target.name())))),
            ("customer_group", texts(each().map(|c| Some(&c.group)))),
            ("customers", counts(each().map(|c| Some(c.customers as u64)))),
            ("covered", counts(each().map(|c| Some(c.covered as u64)))),
            ("coverage", floats(each().map(|c| Some(c.covered as f64 / c.customers as f64)))),
            ("mean_width", floats(each().map(|c| Some(c.width)))),
        ],
    )
}
