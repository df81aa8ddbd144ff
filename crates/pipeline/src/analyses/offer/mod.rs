//! Next best offers.

pub mod schema;
pub mod settings;
mod tell;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::message;
use tillwise_core::told::{Cell, Message};
use tillwise_mine::offer::judge::{LENGTHS, Score};
use tillwise_mine::offer::{
    Bought, Customer, Histories, Judgement, Kind, Names, Offer, Offers, Reason, Task, Workspace,
};
use tillwise_table::TableError;

use super::orders::no_products;
use super::{Context, Done, Made, counts, floats, ints, make, side, texts};
use crate::analysis::{Analysis, Needs};
use crate::{Config, NotDone, PipelineError};
use schema::{OFFER_METRICS, OFFERS};
pub use settings::{DueAfter, OfferRank, Settings};

const EXCLUDE_FILE: &str = "[offer] exclude_file";
const STOCK_FILE: &str = "[offer] stock_file";

/// Next best offers.
pub const ANALYSIS: Analysis = Analysis {
    name: "offer",
    about: "Only next best offers",
    manual: include_str!("manual.toml"),
    proposes: &["per_customer", "stock_file"],
    tables: schema::TABLES,
    has_model: true,
    files,
    needs: |_ask| Needs { orders: true, ..Needs::default() },
    run,
    ..Analysis::NONE
};

fn files(config: &Config) -> Vec<(&'static str, &Path)> {
    let files = [(EXCLUDE_FILE, &config.offer.exclude_file), (STOCK_FILE, &config.offer.stock_file)];
    files.into_iter().filter_map(|(key, file)| Some((key, file.as_deref()?))).collect()
}

#[derive(Serialize, Deserialize)]
struct Report {
    judged: Judgement,
    warnings: Vec<Message>,
}

fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let settings = &context.config.offer;
    let orders = context.orders()?;
    let ledger = orders.ledger(context.customers.rows())?;
    let (products, categories) = (orders.products()?, orders.categories()?);
    if products.is_empty() {
        return Err(no_products());
    }
    let lists = Lists::read(context)?;
    let (file, mut report) = context.model(None, || {
        let names = Names { products: &products, categories: &categories };
        let (model, judged) = Offers::fit(&ledger, names, &settings.settings(&context.config.basket))?;
        let warnings = shortfalls(&judged, &model);
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
    let known = numbers.iter().flatten().count();
    if known == 0 {
        return Err(NotDone::Skipped(
            "the model knows none of this export's products; is it another shop's? fit it again".to_owned(),
        ));
    }
    let mut say = |warning: Message| report.warnings.push(warning);
    if known < products.len() {
        let unknown = products.len() - known;
        say(message!("unknown_products", unknown = unknown, products = products.len()));
    }
    let today: HashSet<&str> = products.iter().copied().collect();
    let allowed: Vec<bool> = model.products.iter().map(|p| lists.allow(&p.name, &today)).collect();
    lists.unmatched(&today).into_iter().for_each(&mut say);
    let made =
        offers(model, &histories, &numbers, context.as_of.0, settings, &|product| allowed[product as usize]);
    let without = made.iter().filter(|offers| offers.is_empty()).count();
    if without > 0 {
        say(message!("without_offer", without = without, customers = made.len()));
    }
    let called: HashMap<&str, &str> = orders
        .products()?
        .into_iter()
        .zip(orders.names()?)
        .filter(|(code, name)| !name.is_empty() && name != code)
        .collect();
    let tables = vec![offers_table(context, model, &made, &called)?, metrics_table(&report.judged)?];
    let told = vec![tell::tell(settings.per_customer, &model.kinds, &report.judged)];
    Ok(Done {
        columns: Vec::new(),
        tables,
        told,
        warnings: report.warnings.clone(),
        report: serde_json::to_value(report)?,
    })
}

/// Where offers do no better than what costs nothing.
fn shortfalls(judged: &Judgement, model: &Offers) -> Vec<Message> {
    let rate = |task: Task, model: &str| {
        let of = judged.scores.iter().find(|s| s.task == task && s.model == model);
        of.and_then(|s| s.hit_rate[0])
    };
    let loses =
        |task: Task, to: &str| rate(task, "offers").zip(rate(task, to)).is_some_and(|(us, them)| us <= them);
    let mut said = Vec::new();
    if judged.customers == 0 {
        said.push(message!("offers_not_judged"));
    }
    if model.kinds.contains(&Kind::New) && loses(Task::New, "most_popular") {
        said.push(message!("new_offers_lose"));
    }
    if loses(Task::Any, "bought_before") {
        said.push(message!("offers_lose_to_bought_before"));
    }
    if loses(Task::Any, "most_popular") {
        said.push(message!("offers_lose_to_popular"));
    }
    said
}

/// What the config says of single products.
struct Lists {
    excluded: HashSet<String>,
    stock: Option<HashMap<String, f64>>,
}

impl Lists {
    fn read(context: &Context<'_>) -> Result<Lists, NotDone> {
        let settings = &context.config.offer;
        let wrong = |key: &str, problem: String| PipelineError::Setting { key: key.to_owned(), problem };
        let mut excluded: HashSet<String> = settings.exclude.iter().cloned().collect();
        if let Some(path) = &settings.exclude_file {
            let path = context.base.join(path);
            let text = std::fs::read_to_string(&path)
                .map_err(|e| wrong(EXCLUDE_FILE, format!("cannot read {}: {e}", path.display())))?;
            excluded.extend(text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()));
        }
        let key = STOCK_FILE;
        let Some(path) = &settings.stock_file else { return Ok(Lists { excluded, stock: None }) };
        let mut stock: HashMap<String, f64> = HashMap::new();
        let listed = side::columns(&context.base.join(path), key, &["product", "units"])?;
        for (row, line) in listed.rows.iter().zip(&listed.table.lines) {
            let units = listed.table.number(&row[1]);
            let units = units
                .ok_or_else(|| wrong(key, format!("row {line}: `{}` is not a number of units", row[1])))?;
            *stock.entry(row[0].clone()).or_default() += units;
        }
        Ok(Lists { excluded, stock: Some(stock) })
    }

    /// Whether a product may be offered: it is not excluded, and in stock; without a stock list, still sold.
    fn allow(&self, product: &str, today: &HashSet<&str>) -> bool {
        let there = match &self.stock {
            Some(stock) => stock.get(product).is_some_and(|units| *units > 0.0),
            None => today.contains(product),
        };
        there && !self.excluded.contains(product)
    }

    /// Names in the lists that are no products, in words: they may be misspelt.
    fn unmatched(&self, today: &HashSet<&str>) -> Vec<Message> {
        let stocked = self.stock.iter().flat_map(|s| s.keys());
        let lists: [(&str, Vec<&String>); 2] =
            [("excluded_products", self.excluded.iter().collect()), ("products_in_stock", stocked.collect())];
        let mut said = Vec::new();
        for (what, names) in lists {
            let mut unknown: Vec<&String> =
                names.iter().copied().filter(|n| !today.contains(n.as_str())).collect();
            unknown.sort();
            if let Some(first) = unknown.first() {
                said.push(message!(
                    "listed_products_unknown",
                    unknown = unknown.len(),
                    listed = names.len(),
                    what = Cell::word(what),
                    first = *first
                ));
            }
        }
        said
    }
}

/// Offers to every customer, in their order.
fn offers(
    model: &Offers,
    histories: &Histories,
    numbers: &[Option<u32>],
    today: i32,
    settings: &Settings,
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

fn reason(model: &Offers, offer: &Offer, called: &HashMap<&str, &str>) -> String {
    let name = |p: u32| {
        let code = model.products[p as usize].name.as_str();
        match called.get(code) {
            Some(name) => format!("{name} ({code})"),
            None => code.to_owned(),
        }
    };
    match &offer.reason {
        Reason::AlsoBought { bought, share } => {
            format!("bought {}; {:.0} % of its buyers also buy this", name(*bought), 100.0 * share)
        }
        Reason::Rule { left, confidence } => {
            let left: Vec<String> = left.iter().map(|p| name(*p)).collect();
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
    called: &HashMap<&str, &str>,
) -> Result<Made, TableError> {
    let ids = context.customers.texts("customer_id")?;
    let name = |o: &Offer| called.get(model.products[o.product as usize].name.as_str()).copied();
    let all = || made.iter().zip(&ids).flat_map(|(offers, id)| offers.iter().map(move |o| (*id, o)));
    let product = |o: &Offer| &model.products[o.product as usize];
    // Where nothing was judged, nothing is known of probabilities.
    let known = |o: &Offer| (!model.calibration[o.kind as usize].at.is_empty()).then_some(o.probability);
    make(
        &OFFERS,
        vec![
            ("customer_id", texts(all().map(|(id, _)| Some(id)))),
            ("offer_rank", ints(made.iter().flat_map(|offers| 1..=offers.len() as i32))),
            ("product", texts(all().map(|(_, o)| Some(&product(o).name)))),
            ("product_name", texts(all().map(|(_, o)| name(o)))),
            ("kind", texts(all().map(|(_, o)| Some(o.kind.name())))),
            ("probability", floats(all().map(|(_, o)| known(o)))),
            ("expected_revenue", floats(all().map(|(_, o)| known(o).map(|p| p * product(o).revenue)))),
            (
                "expected_margin",
                floats(all().map(|(_, o)| known(o).zip(product(o).margin).map(|(p, m)| p * m))),
            ),
            ("score", floats(all().map(|(_, o)| Some(o.score)))),
            ("reason", texts(all().map(|(_, o)| Some(reason(model, o, called))))),
        ],
    )
}

/// The judgement, as a long table.
fn metrics_table(judged: &Judgement) -> Result<Made, TableError> {
    let rows: Vec<(&Score, usize)> =
        judged.scores.iter().flat_map(|s| (0..LENGTHS.len()).map(move |k| (s, k))).collect();
    make(
        &OFFER_METRICS,
        vec![
            ("task", texts(rows.iter().map(|(s, _)| Some(s.task.name())))),
            ("model", texts(rows.iter().map(|(s, _)| Some(&s.model)))),
            ("list_length", ints(rows.iter().map(|(_, k)| LENGTHS[*k] as i32))),
            ("customers", counts(rows.iter().map(|(s, _)| Some(s.customers as u64)))),
            ("hits", counts(rows.iter().map(|(s, k)| Some(s.hits[*k] as u64)))),
            ("hit_rate", floats(rows.iter().map(|(s, k)| s.hit_rate[*k]))),
            ("ndcg", floats(rows.iter().map(|(s, k)| s.ndcg[*k]))),
        ],
    )
}
