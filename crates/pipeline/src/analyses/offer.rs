//! Next best offers.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use rayon::prelude::*;
use serde::Serialize;
use tillwise_core::schema::{OFFER_METRICS, OFFERS};
use tillwise_mine::offer::judge::LENGTHS;
use tillwise_mine::offer::{Bought, Customer, Histories, Judgement, Names, Offer, Offers, Reason, Workspace};

use super::orders::{no_products, side_file};
use super::{Context, Done, batch, counts, floats, ints, texts};
use crate::config::OfferRank;
use crate::{NotDone, PipelineError};

#[derive(Serialize)]
struct Report {
    judged: Judgement,
    warnings: Vec<String>,
}

pub fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let settings = &context.config.offer;
    let orders = context.orders()?;
    let ledger = orders.ledger(context.customers.rows())?;
    let (products, categories) = (orders.products()?, orders.categories()?);
    if products.is_empty() {
        return Err(no_products());
    }
    let barred = barred(context, &products)?;
    let file = context.model(None, || {
        let names = Names { products: &products, categories: &categories };
        let (model, judged) = Offers::fit(&ledger, names, &settings.settings(&context.config.basket))?;
        let mut warnings = Vec::new();
        let rate = |model: &str| {
            let of = judged.scores.iter().find(|s| s.task.name() == "new" && s.model == model);
            of.and_then(|s| s.hit_rate[0])
        };
        if rate("offers").zip(rate("most_popular")).is_some_and(|(ours, popular)| ours <= popular) {
            warnings.push(
                "offers of new products hit no more often than the most popular products do".to_owned(),
            );
        }
        Ok((model, Report { judged, warnings }))
    })?;
    let model = &file.parameters;
    if settings.rank_by == OfferRank::Margin && model.products.iter().all(|p| p.margin.is_none()) {
        return Err(NotDone::Skipped(
            "[offer] rank_by = \"margin\" needs costs; name their column, [columns] unit_cost, or rank by \"revenue\""
                .to_owned(),
        ));
    }
    let histories = Offers::histories(&ledger);
    // A saved model may know other products than today's.
    let numbers = model.numbers(&products);
    let made = offers(model, &histories, &numbers, context.as_of.0, settings, &|product| {
        !barred.contains_key(model.products[product as usize].name.as_str())
    });
    let mut tables = vec![("offers.parquet", offers_table(context, model, &made)?)];
    tables.extend(metrics_table(&file.report)?.map(|t| ("offer_metrics.parquet", t)));
    Ok(Done { columns: Vec::new(), tables, report: file.report.clone() })
}

/// Products that must not be offered.
fn barred<'a>(context: &Context<'_>, products: &[&'a str]) -> Result<HashMap<&'a str, ()>, NotDone> {
    let settings = &context.config.offer;
    let mut out: HashMap<String, ()> = settings.exclude.iter().map(|p| (p.clone(), ())).collect();
    if let Some(path) = &settings.exclude_file {
        let path = context.base.join(path);
        let text = std::fs::read_to_string(&path).map_err(|e| PipelineError::Setting {
            key: "[offer] exclude_file".to_owned(),
            problem: format!("cannot read {}: {e}", path.display()),
        })?;
        out.extend(text.lines().map(|l| (l.trim().to_owned(), ())));
    }
    let stock = match &settings.stock_file {
        None => None,
        Some(path) => {
            let rows = side_file(&context.base.join(path), "[offer] stock_file", &["product", "units"])?;
            let mut stock: HashMap<String, f64> = HashMap::new();
            for (i, row) in rows.into_iter().enumerate() {
                let units = row[1].parse::<f64>().ok().filter(|u| u.is_finite());
                let units = units.ok_or_else(|| PipelineError::Setting {
                    key: "[offer] stock_file".to_owned(),
                    problem: format!("row {}: `{}` is not a number of units", i + 2, row[1]),
                })?;
                *stock.entry(row[0].clone()).or_default() += units;
            }
            Some(stock)
        }
    };
    let gone = |p: &str| {
        out.contains_key(p) || stock.as_ref().is_some_and(|s| s.get(p).is_none_or(|units| *units <= 0.0))
    };
    Ok(products.iter().filter(|p| gone(p)).map(|p| (*p, ())).collect())
}

/// Offers to every customer, in their order.
fn offers(
    model: &Offers,
    histories: &Histories,
    numbers: &[Option<u32>],
    today: i32,
    settings: &crate::Offer,
    may: &(dyn Fn(u32) -> bool + Sync),
) -> Vec<Vec<Offer>> {
    let worth = |o: &Offer| {
        let product = &model.products[o.product as usize];
        match settings.rank_by {
            OfferRank::Probability => o.probability,
            OfferRank::Revenue => o.probability * product.revenue,
            OfferRank::Margin => product.margin.map_or(f64::NEG_INFINITY, |m| o.probability * m),
        }
    };
    (0..histories.len())
        .into_par_iter()
        .with_min_len(256)
        .map_init(
            || Workspace::new(model),
            |work, customer| {
                let mut history: Vec<Bought> = histories
                    .of(customer)
                    .iter()
                    .filter_map(|b| Some(Bought { product: numbers[b.product as usize]?, ..*b }))
                    .collect();
                history.sort_by_key(|b| b.product);
                let known = Customer { history: &history, ..histories.on(customer, today) };
                model.best(known, settings.per_customer, may, &worth, work)
            },
        )
        .collect()
}

fn reason(model: &Offers, offer: &Offer) -> String {
    let name = |p: u32| model.products[p as usize].name.as_str();
    match &offer.reason {
        Reason::AlsoBought { bought, share } => {
            format!("bought {}; {:.0} % of its buyers also buy this", name(*bought), 100.0 * share)
        }
        Reason::Rule { left, confidence } => {
            let left: Vec<&str> = left.iter().map(|p| name(*p)).collect();
            let those = if left.len() == 1 { "it" } else { "them" };
            format!(
                "bought {}; {:.0} % of the orders with {those} hold this too",
                left.join(" and "),
                100.0 * confidence
            )
        }
        Reason::Popular { buyers } => format!("bought by {buyers} customers"),
        Reason::Due { every, since } => {
            format!("bought again every {every:.0} days in the median; the last time {since} days ago")
        }
        Reason::NextTier { category, share } => format!(
            "the next price tier in {}; {:.1} % of those at the same tier moved up to it",
            model.categories[*category as usize],
            100.0 * share
        ),
    }
}

fn offers_table(
    context: &Context<'_>,
    model: &Offers,
    made: &[Vec<Offer>],
) -> Result<RecordBatch, PipelineError> {
    let ids = context.customers.texts("customer_id")?;
    let all = || made.iter().zip(&ids).flat_map(|(offers, id)| offers.iter().map(move |o| (*id, o)));
    let product = |o: &Offer| &model.products[o.product as usize];
    batch(
        "offers",
        OFFERS,
        vec![
            texts(all().map(|(id, _)| Some(id))),
            ints(made.iter().flat_map(|offers| 1..=offers.len() as i32)),
            texts(all().map(|(_, o)| Some(&product(o).name))),
            texts(all().map(|(_, o)| Some(o.kind.name()))),
            floats(all().map(|(_, o)| Some(o.probability))),
            floats(all().map(|(_, o)| Some(o.probability * product(o).revenue))),
            floats(all().map(|(_, o)| product(o).margin.map(|m| o.probability * m))),
            floats(all().map(|(_, o)| Some(o.score))),
            texts(all().map(|(_, o)| Some(reason(model, o)))),
        ],
    )
}

/// The judgement that stands in the model's report, as a long table.
fn metrics_table(report: &serde_json::Value) -> Result<Option<RecordBatch>, PipelineError> {
    let Some(scores) = report["judged"]["scores"].as_array() else { return Ok(None) };
    let rows: Vec<(&serde_json::Value, usize)> =
        scores.iter().flat_map(|s| (0..LENGTHS.len()).map(move |k| (s, k))).collect();
    let text = |key: &str| texts(rows.iter().map(|(s, _)| s[key].as_str()));
    batch(
        "offer_metrics",
        OFFER_METRICS,
        vec![
            text("task"),
            text("model"),
            ints(rows.iter().map(|(_, k)| LENGTHS[*k] as i32)),
            counts(rows.iter().map(|(s, _)| s["customers"].as_u64())),
            counts(rows.iter().map(|(s, k)| s["hits"][k].as_u64())),
            floats(rows.iter().map(|(s, k)| s["hit_rate"][k].as_f64())),
            floats(rows.iter().map(|(s, k)| s["ndcg"][k].as_f64())),
        ],
    )
    .map(Some)
}
