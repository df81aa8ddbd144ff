//! Customer lifetime value: models fitted, judged in a holdout, scored; parameters, tracking and forecast as tables.

pub mod schema;
pub mod settings;
mod tell;

use arrow::array::ArrayRef;
use serde::{Deserialize, Serialize};
use tillwise_core::Day;
use tillwise_core::message;
use tillwise_core::told::{Cell, Message};
use tillwise_mine::clv::{
    Candidate, Clv, Fit, Input, Judged, Known, Levels, MOST_SPREAD, Model, Month, Occasions, Orders, Report,
    Score, Settings as FitSettings, choose, judge, track,
};
use tillwise_table::{Table, TableError};

use super::{Context, Done, Made, booleans, counts, days, floats, ints, make, maybe_ints, texts};
use crate::analysis::{Analysis, Ask, CustomerTable, Needs};
use crate::charts::{ChartOf, Picture, Unit};
use crate::{NotDone, config};
use schema::{CLV_CALIBRATION, CLV_DISTRIBUTION, CLV_FORECAST, CLV_MODELS, CLV_PARAMETERS, CLV_TRACKING};
pub use settings::{ModelChoice, Settings};

/// Pictures of its tables.
const CHARTS: &[ChartOf] = &[ChartOf {
    key: "clv_tracking",
    table: "clv_tracking",
    only: &[],
    picture: Picture::Lines {
        x: ("week_end", Unit::Day),
        y: &["actual", "expected"],
        unit: Unit::Count,
        by: None,
        band: None,
        diagonal: false,
    },
}];

/// Customer lifetime value.
pub const ANALYSIS: Analysis = Analysis {
    name: "clv",
    about: "Only customer lifetime value",
    manual: include_str!("manual.toml"),
    proposes: &["model", "horizon_days", "margin", "annual_discount_rate"],
    tables: schema::TABLES,
    charts: CHARTS,
    scores: schema::SCORES,
    has_model: true,
    needs,
    run,
    ..Analysis::NONE
};

fn needs(ask: &Ask<'_>) -> Needs {
    let settings = &ask.config.clv;
    let end = if ask.fits { calibration_end(settings, ask.first, ask.as_of).ok() } else { None };
    Needs {
        tables: end.map(|end| calibration(settings, end, ask.as_of)).into_iter().collect(),
        orders: false,
        occasion_days: occasion_days(settings),
    }
}

/// The customer table as of the end of the calibration, labelled with what came after.
fn calibration(settings: &Settings, end: Day, as_of: Day) -> CustomerTable {
    CustomerTable {
        label_until: Some(as_of),
        occasion_days: occasion_days(settings),
        daily: true,
        ..CustomerTable::of(end)
    }
}

fn occasion_days(settings: &Settings) -> Option<i32> {
    settings.counts_occasions().then_some(settings.occasion_days)
}

/// The last day of the calibration, or why there is none.
fn calibration_end(settings: &Settings, first: Day, as_of: Day) -> Result<Day, String> {
    let holdout = settings.holdout_days;
    if holdout == 0 {
        return Err("holdout_days = 0".to_owned());
    }
    let days = as_of.since(first) + 1;
    if days < 2 * holdout {
        return Err(format!(
            "judging over {holdout} days needs {} days of orders, but there are {days}; set [clv] holdout_days to {} or less",
            2 * holdout,
            days / 2
        ));
    }
    Ok(as_of - holdout)
}

/// The fit's own report, and how the models did.
#[derive(Serialize, Deserialize)]
struct FullReport {
    #[serde(flatten)]
    fit: Report,
    /// Why the model is the one it is.
    chosen: Message,
    judged: Option<JudgedModel>,
    /// Why there is no judgement.
    not_judged: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct JudgedModel {
    calibration_end: Day,
    holdout_end: Day,
    #[serde(flatten)]
    judged: Judged,
}

fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let settings = &context.config.clv;
    let mut tables = Vec::new();
    let columns = Columns::read(context.customers)?;
    let (file, mut report) = context.model(None, || {
        let (clv, report, more) = fit(context, settings, &columns)?;
        tables = more;
        Ok((clv, report))
    })?;
    let model = &file.parameters;
    let (groups, known) = columns.of_model(model)?;
    let input = columns.input(&groups, &known);
    let of_config = f64::from(settings.occasion_days);
    if model.pooled.orders.counts_occasions() && (input.occasions.is_none() || model.unit_days != of_config) {
        return Err(NotDone::Skipped(format!(
            "the model counts occasions of {} days; set [clv] model = \"bg_bb\" and occasion_days = {}",
            model.unit_days, model.unit_days
        )));
    }
    let scores = model.score(input);
    let broken = |s: &Score| !(s.p_alive.is_finite() && s.expected_orders.is_finite());
    if let Some(i) = scores.iter().position(broken) {
        let customer = context.customers.texts("customer_id")?[i];
        return Err(NotDone::Failed(format!("the CLV of customer {customer} is not a number"), None));
    }
    let months = model.forecast(input);
    tables.push(forecast(context, &months)?);
    if settings.distribution_up_to > 0 {
        // Arrow's texts end at two gigabytes.
        let letters: usize = context.customers.texts("customer_id")?.iter().map(|id| id.len()).sum();
        if letters.saturating_mul(settings.distribution_up_to + 1) > i32::MAX as usize {
            return Err(NotDone::Skipped(format!(
                "distribution_up_to = {} makes more than two gigabytes of customer ids; set a smaller number, or 0",
                settings.distribution_up_to
            )));
        }
        tables.push(distribution(context, model, input)?);
    }
    let column = |f: fn(&Score) -> f64| nullable(scores.iter().map(f));
    let open = scores.iter().filter(|s| s.expected_orders > 0.0 && s.expected_orders_high.is_nan()).count();
    if open > 0 && model.value.interval > 0.0 {
        let times = Cell::Number(MOST_SPREAD, 0);
        let said = message!("no_intervals", open = open, customers = scores.len(), times = times);
        report.fit.warnings.push(said);
    }
    let told = vec![tell::tell(&report, &scores, &model.value, &months)];
    Ok(Done {
        columns: vec![
            ("p_alive", column(|s| s.p_alive)),
            ("p_alive_at_horizon", column(|s| s.p_alive_at_horizon)),
            ("expected_orders", column(|s| s.expected_orders)),
            ("expected_orders_low", column(|s| s.expected_orders_low)),
            ("expected_orders_high", column(|s| s.expected_orders_high)),
            ("p_no_order", column(|s| s.p_no_order)),
            ("expected_order_value", column(|s| s.expected_order_value)),
            ("clv", column(|s| s.clv)),
            ("clv_low", column(|s| s.clv_low)),
            ("clv_high", column(|s| s.clv_high)),
            ("residual_clv", column(|s| s.residual_clv)),
            ("past_value", column(|s| s.past_value)),
            ("customer_equity", column(|s| s.customer_equity)),
        ],
        tables,
        told,
        warnings: report.fit.warnings.clone(),
        report: serde_json::to_value(report)?,
    })
}

/// NaN becomes null.
fn nullable(values: impl Iterator<Item = f64>) -> ArrayRef {
    floats(values.map(Some))
}

/// What CLV reads of a customer table.
struct Columns<'a> {
    table: &'a Table,
    x: Vec<f64>,
    t_x_days: Vec<f64>,
    age_days: Vec<f64>,
    mean_ln_gap_days: Vec<f64>,
    mean_repeat_spend: Vec<f64>,
    orders: Vec<f64>,
    net_revenue: Vec<f64>,
    cost: Vec<f64>,
    /// `x_occasions, t_x_occasions, occasions, order_days_in_occasions`.
    occasions: Option<[Vec<f64>; 4]>,
}

impl<'a> Columns<'a> {
    fn read(table: &'a Table) -> Result<Columns<'a>, TableError> {
        let occasions = if table.batch().column_by_name("occasions").is_some() {
            Some([
                table.f64s("x_occasions")?,
                table.f64s("t_x_occasions")?,
                table.f64s("occasions")?,
                table.f64s("order_days_in_occasions")?,
            ])
        } else {
            None
        };
        Ok(Columns {
            table,
            x: table.f64s("x")?,
            t_x_days: table.f64s("t_x_days")?,
            age_days: table.f64s("age_days")?,
            mean_ln_gap_days: table.f64s("mean_ln_gap_days")?,
            mean_repeat_spend: table.f64s("mean_repeat_spend")?,
            orders: table.f64s("orders")?,
            net_revenue: table.f64s("net_revenue")?,
            cost: table.f64s("cost")?,
            occasions,
        })
    }

    /// Groups and covariates as a model wants them.
    fn of_model(&self, model: &Clv) -> Result<(Vec<String>, Vec<Known>), NotDone> {
        Ok((self.groups(model.by.as_deref())?, self.known(&model.purchase, &model.drop_out)?))
    }

    fn groups(&self, by: Option<&str>) -> Result<Vec<String>, NotDone> {
        match by {
            Some(column) => Ok(self.filled(column)?.into_iter().map(str::to_owned).collect()),
            None => Ok(Vec::new()),
        }
    }

    /// A text column that is not empty throughout.
    fn filled(&self, column: &str) -> Result<Vec<&str>, NotDone> {
        if !config::is_text(column) {
            return Err(NotDone::Skipped(format!("`{column}` is not a text column of the customer table")));
        }
        let texts = self.table.texts(column)?;
        if texts.iter().all(|t| t.is_empty()) {
            let name = column.trim_start_matches("top_");
            return Err(NotDone::Skipped(format!(
                "{column} is empty for every customer; name the export's column in [columns] {name}"
            )));
        }
        Ok(texts)
    }

    fn levels(&self, columns: &[String]) -> Result<Vec<Levels>, NotDone> {
        columns.iter().map(|c| Ok(Levels::of(c, &self.filled(c)?))).collect()
    }

    fn known(&self, purchase: &[Levels], drop_out: &[Levels]) -> Result<Vec<Known>, NotDone> {
        let mut texts = std::collections::HashMap::new();
        for levels in purchase.iter().chain(drop_out) {
            texts.insert(levels.column.clone(), self.filled(&levels.column)?);
        }
        Ok(FitSettings::known(purchase, drop_out, self.table.rows(), |c| texts.get(c).map(Vec::as_slice)))
    }

    fn input<'b>(&'b self, groups: &'b [String], known: &'b [Known]) -> Input<'b> {
        Input {
            x: &self.x,
            t_x_days: &self.t_x_days,
            age_days: &self.age_days,
            mean_ln_gap_days: &self.mean_ln_gap_days,
            mean_repeat_spend: &self.mean_repeat_spend,
            orders: &self.orders,
            net_revenue: &self.net_revenue,
            cost: &self.cost,
            groups,
            known,
            occasions: self.occasions.as_ref().map(|[x, t_x, age, order_days]| Occasions {
                x,
                t_x,
                age,
                order_days,
            }),
        }
    }
}

fn fit(
    context: &Context<'_>,
    settings: &Settings,
    columns: &Columns<'_>,
) -> Result<(Clv, FullReport, Vec<Made>), NotDone> {
    let calibrated = match calibration_end(settings, context.first, context.as_of) {
        Ok(end) => {
            let table = context.table(&calibration(settings, end, context.as_of))?;
            if table.rows() == 0 {
                Err("nobody had ordered by the end of the calibration".to_owned())
            } else {
                Ok((end, table))
            }
        }
        Err(why) => Err(why),
    };
    let (model, chosen, candidates) = match (settings.model, &calibrated) {
        (ModelChoice::Fixed(model), _) => (model, message!("model_named"), None),
        (ModelChoice::Auto(_), Err(why)) => {
            return Err(NotDone::Skipped(format!("model = \"auto\" needs a holdout: {why}")));
        }
        (ModelChoice::Auto(_), Ok((end, table))) => {
            let past = Columns::read(table)?;
            let input = past.input(&[], &[]);
            let unit = settings.time_unit.days();
            let days = f64::from(context.as_of.since(*end));
            let (tried, best) = choose(
                &input.histories(unit),
                input.sum_of_ln_gaps(unit),
                &table.f64s("order_days_in_horizon")?,
                days / unit,
            );
            let Some((model, why)) = best else {
                let problems: Vec<String> = tried
                    .iter()
                    .filter_map(|c| Some(format!("{}: {}", c.model.name(), c.outcome.as_ref().err()?)))
                    .collect();
                return Err(NotDone::Skipped(format!("no model could be fitted: {}", problems.join("; "))));
            };
            (model, why, Some(tried))
        }
    };
    let make = |columns: &Columns<'_>,
                by: Option<&str>|
     -> Result<(Clv, Report, Vec<String>, Vec<Known>), NotDone> {
        let fit_settings = FitSettings {
            model,
            time_unit: settings.time_unit,
            occasion_days: f64::from(settings.occasion_days),
            min_group: settings.min_group,
            by: by.map(str::to_owned),
            purchase: columns.levels(&settings.purchase_covariates)?,
            drop_out: columns.levels(&settings.dropout_covariates)?,
            l2: settings.l2,
            value: settings.value,
        };
        let groups = columns.groups(by)?;
        let known = columns.known(&fit_settings.purchase, &fit_settings.drop_out)?;
        let (clv, report) = Clv::fit(columns.input(&groups, &known), &fit_settings)?;
        Ok((clv, report, groups, known))
    };
    let (clv, mut report, ..) = make(columns, settings.by.as_deref())?;
    let mut tables = vec![parameters(&report)?];
    let (mut judged, mut not_judged) = (None, None);
    match calibrated {
        Err(why) => not_judged = Some(why),
        Ok((end, table)) => {
            let past = Columns::read(&table)?;
            let actual = table.f64s("order_days_in_horizon")?;
            let days = f64::from(context.as_of.since(end));
            let candidates = match candidates {
                Some(tried) => Ok(tried),
                // The model as it is configured, everyone together.
                None => match make(&past, None) {
                    Ok((clv, report, _, known)) => {
                        let histories = past.input(&[], &[]).histories_of(&clv);
                        let orders = clv.pooled.orders.clone();
                        let t = days / clv.unit_days;
                        let judged =
                            judge(&orders, &histories, &known, &actual, t, clv.order_days_per_occasion);
                        let fit = report.fits.into_iter().next().and_then(|f| f.orders);
                        Ok(fit
                            .map(|fit| Candidate { model, outcome: Ok((orders, fit, judged)) })
                            .into_iter()
                            .collect())
                    }
                    Err(NotDone::Broken(e)) => return Err(NotDone::Broken(e)),
                    Err(NotDone::Skipped(why) | NotDone::Failed(why, _)) => Err(why),
                },
            };
            match candidates {
                Err(why) => not_judged = Some(format!("fitted to the calibration alone: {why}")),
                Ok(candidates) => {
                    let span = Span { calibration_end: end, holdout_end: context.as_of };
                    tables.push(models(&candidates, model, span)?);
                    if let Some((orders, _, best)) =
                        candidates.iter().find(|c| c.model == model).and_then(|c| c.outcome.as_ref().ok())
                    {
                        let unit = clv.unit_days;
                        let daily = context.daily(&calibration(settings, end, context.as_of))?;
                        tables.push(by_frequency(&candidates)?);
                        match tracking(&daily, orders, model, unit, span)? {
                            Some(table) => tables.push(table),
                            None => report
                                .warnings
                                .push(message!("not_tracked", model = Cell::word(model.name()))),
                        }
                        let off = best.expected / best.actual - 1.0;
                        if off.abs() > 0.2 && best.actual > 0.0 {
                            report.warnings.push(message!(
                                "holdout_off",
                                expected = Cell::Count(best.expected),
                                actual = Cell::Count(best.actual),
                                off = Cell::Change(off)
                            ));
                        }
                        judged = Some(JudgedModel {
                            calibration_end: span.calibration_end,
                            holdout_end: span.holdout_end,
                            judged: best.clone(),
                        });
                    }
                }
            }
        }
    }
    if let Some(why) = not_judged.as_ref().filter(|_| settings.holdout_days > 0) {
        report.warnings.push(message!("not_judged", why = why));
    }
    Ok((clv, FullReport { fit: report, chosen, judged, not_judged }, tables))
}

/// Days that are tracked, at most: the work grows with their square, and a century holds any history but a typing error.
const MOST_TRACKED_DAYS: usize = 36_525;

/// The days of a judgement.
#[derive(Clone, Copy)]
struct Span {
    calibration_end: Day,
    holdout_end: Day,
}

fn parameters(report: &Report) -> Result<Made, TableError> {
    let mut rows: Vec<(Option<&str>, &str, &Fit, usize)> = Vec::new();
    for fits in &report.fits {
        for (part, fit) in [("orders", &fits.orders), ("spend", &fits.spend)] {
            if let Some(fit) = fit {
                rows.extend((0..fit.parameters.len()).map(|i| (fits.group.as_deref(), part, fit, i)));
            }
        }
    }
    let of = |f: fn(&Fit, usize) -> f64| nullable(rows.iter().map(|r| f(r.2, r.3)));
    make(
        &CLV_PARAMETERS,
        vec![
            ("customer_group", texts(rows.iter().map(|r| r.0))),
            ("part", texts(rows.iter().map(|r| r.1).map(Some))),
            ("model", texts(rows.iter().map(|r| &r.2.model).map(Some))),
            ("parameter", texts(rows.iter().map(|r| &r.2.parameters[r.3].name).map(Some))),
            ("value", of(|fit, i| fit.parameters[i].value)),
            ("standard_error", of(|fit, i| fit.parameters[i].standard_error.unwrap_or(f64::NAN))),
        ],
    )
}

fn models(candidates: &[Candidate], chosen: Model, span: Span) -> Result<Made, TableError> {
    let of = |f: &dyn Fn(&Fit, &Judged) -> f64| {
        nullable(candidates.iter().map(|c| c.outcome.as_ref().map_or(f64::NAN, |(_, fit, j)| f(fit, j))))
    };
    let dates = |day: Day| days(candidates.iter().map(|_| day));
    let done = |c: &Candidate| {
        c.outcome.as_ref().ok().map(|(_, fit, j)| (fit.parameters.len() as i32, j.customers as u64))
    };
    make(
        &CLV_MODELS,
        vec![
            ("model", texts(candidates.iter().map(|c| c.model.name()).map(Some))),
            ("chosen", booleans(candidates.iter().map(|c| Some(c.model == chosen)))),
            ("problem", texts(candidates.iter().map(|c| c.outcome.as_ref().err()))),
            ("calibration_end", dates(span.calibration_end)),
            ("holdout_end", dates(span.holdout_end)),
            ("parameters", maybe_ints(candidates.iter().map(|c| done(c).map(|d| d.0)))),
            ("log_likelihood", of(&|fit, _| fit.log_likelihood)),
            ("aic", of(&|fit, _| fit.aic)),
            ("bic", of(&|fit, _| fit.bic)),
            ("customers", counts(candidates.iter().map(|c| done(c).map(|d| d.1)))),
            ("actual_order_days", of(&|_, j| j.actual)),
            ("expected_order_days", of(&|_, j| j.expected)),
            ("mae", of(&|_, j| j.mae)),
            ("rmse", of(&|_, j| j.rmse)),
            ("correlation", of(&|_, j| j.correlation.unwrap_or(f64::NAN))),
            ("log_score", of(&|_, j| j.log_score.unwrap_or(f64::NAN))),
        ],
    )
}

fn by_frequency(candidates: &[Candidate]) -> Result<Made, TableError> {
    let rows: Vec<_> = candidates
        .iter()
        .filter_map(|c| Some((c.model, &c.outcome.as_ref().ok()?.2)))
        .flat_map(|(model, judged)| judged.by_frequency.iter().map(move |bin| (model, bin)))
        .collect();
    make(
        &CLV_CALIBRATION,
        vec![
            ("model", texts(rows.iter().map(|r| r.0.name()).map(Some))),
            ("x", ints(rows.iter().map(|r| r.1.x as i32))),
            ("customers", counts(rows.iter().map(|r| Some(r.1.customers as u64)))),
            ("actual", nullable(rows.iter().map(|r| r.1.actual))),
            ("expected", nullable(rows.iter().map(|r| r.1.expected))),
        ],
    )
}

/// Expected against actual repeat order days, by whole weeks; none for models that count occasions.
fn tracking(
    daily: &Table,
    orders: &Orders,
    model: Model,
    unit_days: f64,
    span: Span,
) -> Result<Option<Made>, TableError> {
    let (dates, first, repeat) =
        (daily.f64s("date")?, daily.f64s("first_order_days")?, daily.f64s("repeat_order_days")?);
    let Some(start) = dates.first().map(|d| *d as i32) else { return Ok(None) };
    let length = (span.holdout_end.0 - start + 1).max(0) as usize;
    if length > MOST_TRACKED_DAYS {
        return Ok(None);
    }
    let (mut born, mut actual) = (vec![0.0; length], vec![0.0; length]);
    for (i, date) in dates.iter().enumerate() {
        let day = (*date as i32 - start) as usize;
        if day < length {
            (born[day], actual[day]) = (first[i], repeat[i]);
        }
    }
    let Some(expected) = track(orders, unit_days, &born) else { return Ok(None) };
    let mut sum = 0.0;
    let cumulative: Vec<f64> = actual
        .iter()
        .map(|a| {
            sum += a;
            sum
        })
        .collect();
    let weeks: Vec<usize> = (1..=length / 7).collect();
    let at = |path: &[f64], week: usize| if week == 0 { 0.0 } else { path[7 * week - 1] };
    let end = |week: &usize| start + 7 * *week as i32 - 1;
    let of = |path: &[f64]| nullable(weeks.iter().map(|w| at(path, *w)));
    let within = |path: &[f64]| nullable(weeks.iter().map(|w| at(path, *w) - at(path, *w - 1)));
    make(
        &CLV_TRACKING,
        vec![
            ("model", texts(weeks.iter().map(|_| model.name()).map(Some))),
            ("week", ints(weeks.iter().map(|w| *w as i32))),
            ("week_end", days(weeks.iter().map(|w| Day(end(w))))),
            ("holdout", booleans(weeks.iter().map(|w| Some(end(w) > span.calibration_end.0)))),
            ("actual", within(&cumulative)),
            ("expected", within(&expected)),
            ("actual_cumulative", of(&cumulative)),
            ("expected_cumulative", of(&expected)),
        ],
    )
    .map(Some)
}

fn forecast(context: &Context<'_>, months: &[Month]) -> Result<Made, TableError> {
    let ends = months.iter().map(|m| context.as_of + m.days.round() as i32);
    make(
        &CLV_FORECAST,
        vec![
            ("month", ints(months.iter().map(|m| m.month as i32))),
            ("month_end", days(ends)),
            ("expected_customers", nullable(months.iter().map(|m| m.alive))),
            ("expected_order_days", nullable(months.iter().map(|m| m.orders))),
            ("expected_revenue", nullable(months.iter().map(|m| m.revenue))),
            ("expected_value", nullable(months.iter().map(|m| m.value))),
            ("new_customer_orders", nullable(months.iter().map(|m| m.new_customer_orders))),
            ("new_customer_clv", nullable(months.iter().map(|m| m.new_customer_clv))),
        ],
    )
}

fn distribution(context: &Context<'_>, model: &Clv, input: Input<'_>) -> Result<Made, TableError> {
    let most = context.config.clv.distribution_up_to;
    // The last count stands for all from there on.
    let rows = model.distributions(input, most - 1);
    let ids = context.customers.texts("customer_id")?;
    let probability = |p: &[f64], n: usize| {
        if n < most { p[n] } else { (1.0 - p.iter().sum::<f64>()).max(0.0) }
    };
    let repeated: Vec<&str> = ids.iter().flat_map(|id| std::iter::repeat_n(*id, most + 1)).collect();
    let probabilities: Vec<f64> =
        rows.iter().flat_map(|p| (0..=most).map(move |n| probability(p, n))).collect();
    make(
        &CLV_DISTRIBUTION,
        vec![
            ("customer_id", texts(repeated.into_iter().map(Some))),
            ("order_days", ints((0..ids.len() * (most + 1)).map(|i| (i % (most + 1)) as i32))),
            ("probability", floats(probabilities.into_iter().map(Some))),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holdout_needs_as_much_calibration() {
        let settings = Settings::default();
        assert_eq!(calibration_end(&settings, Day(0), Day(400)), Ok(Day(220)));
        assert_eq!(calibration_end(&settings, Day(0), Day(359)), Ok(Day(179)));
        let why = calibration_end(&settings, Day(0), Day(300)).unwrap_err();
        assert!(why.contains("needs 360 days") && why.contains("150 or less"), "{why}");
        let none = Settings { holdout_days: 0, ..settings };
        assert!(calibration_end(&none, Day(0), Day(900)).is_err());
    }
}
