//! Itemsets, rules and sequences.

pub mod schema;
pub mod settings;
mod tell;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::Serialize;
use tillwise_core::SCALE;
use tillwise_core::message;
use tillwise_core::told::Message;
use tillwise_mine::basket::follow::{FirstToSecond, first_to_second, next_purchases};
use tillwise_mine::basket::hierarchy::Fault;
use tillwise_mine::basket::sequences::{Sequence, SequenceReport, SequenceSettings, sequences};
use tillwise_mine::basket::{Baskets, Itemsets, Miner, Report, Rule, RuleReport, hierarchy, rules};
use tillwise_mine::cohort::{Calendar, Length};
use tillwise_mine::ledger::Ledger;
use tillwise_table::TableError;

use super::orders::no_products;
use super::{Context, Done, Made, booleans, counts, floats, ints, make, side, texts};
use crate::analysis::{Analysis, Needs};
use crate::{NotDone, PipelineError};
use schema::{FIRST_TO_SECOND, ITEMSETS, NEXT_PURCHASE, RULES, SEQUENCES};
pub use settings::{Level, Settings, Unit, Worth, Written};

/// Itemsets, rules and sequences.
pub const ANALYSIS: Analysis = Analysis {
    name: "basket",
    about: "Only what is bought together: itemsets, rules, sequences",
    manual: include_str!("manual.toml"),
    proposes: &["min_support", "min_confidence"],
    tables: schema::TABLES,
    files: |config| config.basket.hierarchy_file.iter().map(|f| (HIERARCHY_FILE, f.as_path())).collect(),
    needs: |_ask| Needs { orders: true, ..Needs::default() },
    run,
    ..Analysis::NONE
};

const HIERARCHY_FILE: &str = "[basket] hierarchy_file";

#[derive(Serialize)]
struct BasketReport {
    /// Orders with a sale of which no line has a product.
    orders_without_product: usize,
    /// Products without a category, where categories are asked for: they stand for themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_category: Option<usize>,
    value: &'static str,
    itemsets: Report,
    rules: RuleReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequences: Option<SequenceReport>,
    warnings: Vec<Message>,
}

/// Products and the categories above them, as one range of numbers.
struct Items<'a> {
    names: Vec<&'a str>,
    /// How many of them are products: they come first.
    products: usize,
    /// For each, those above it; empty at level product.
    ancestors: Vec<Vec<u32>>,
}

fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let settings = &context.config.basket;
    let orders = context.orders()?;
    let ledger = orders.ledger(context.customers.rows())?;
    let (products, categories) = (orders.products()?, orders.categories()?);
    if products.is_empty() {
        return Err(no_products());
    }
    let parents = match &settings.hierarchy_file {
        Some(path) => hierarchy_rows(&context.base.join(path))?,
        None => Vec::new(),
    };
    let items = Items::new(&products, &categories, &parents, settings)?;
    let (mut baskets, orders_without_product) = orders_as_baskets(
        &ledger,
        settings.unit,
        context.config.run.calendar_of(Length::Week, 1)?,
        items.names.len(),
    )?;
    let (mut days, owner, day) = days_as_baskets(&ledger, items.names.len())?;
    match settings.level {
        Level::Product => {}
        Level::Category => {
            baskets = hierarchy::roll_up(&baskets, &items.ancestors)?;
            days = hierarchy::roll_up(&days, &items.ancestors)?;
        }
        Level::Mixed => baskets = hierarchy::mixed(&baskets, &items.ancestors)?,
    }
    let apart = if settings.level == Level::Mixed { hierarchy::apart(&items.ancestors) } else { Vec::new() };
    let min_count = settings.min_support.of(baskets.len() as u64);
    let (itemsets, report) = Miner { min_count, limits: settings.limits, apart: &apart }.mine(&baskets);
    let (values, value) = values(&ledger, &items, &baskets, settings.value);
    let (found, rule_report) = rules(&itemsets, &values, &settings.rules);

    let customers = owner.chunk_by(|a, b| a == b).count() as u64;
    let least = settings.sequence_support.of(customers);
    let (followed, sequence_report) = if settings.sequence_length > 0 {
        let gap = settings.sequence_gap_days;
        let wanted = SequenceSettings {
            min_count: least,
            max_length: settings.sequence_length,
            max_items: settings.limits.max_items,
            min_gap_days: 1,
            max_gap_days: if gap == 0 { i32::MAX } else { gap },
            max_sequences: settings.max_sequences,
        };
        let (found, report) = sequences(&days, &owner, &day, &wanted)?;
        (found, Some(report))
    } else {
        (Vec::new(), None)
    };
    let (pairs, too_wide) = first_to_second(&ledger, least, settings.limits.max_basket);
    let mut warnings = warnings(settings, &report, &rule_report, sequence_report.as_ref());
    if too_wide > 0 {
        warnings.push(message!(
            "first_to_second_wide",
            customers = too_wide,
            most = settings.limits.max_basket
        ));
    }
    let without_category = (settings.level != Level::Product)
        .then(|| (0..products.len()).filter(|p| items.ancestors.get(*p).is_none_or(Vec::is_empty)).count());
    if let Some(n) = without_category.filter(|n| *n > 0) {
        warnings.push(message!("without_category", without = n, products = products.len()));
    }
    let names = &items.labels();
    // Words for people have the products' names; lists for machines their codes.
    let called = orders.names()?;
    let mut said = orders.said()?;
    said.extend(names.iter().skip(said.len()).cloned());
    let tables = vec![
        itemsets_table(&itemsets, names, &values, settings.itemsets)?,
        rules_table(&found, names, &said)?,
        sequences_table(&followed, names, &said, customers)?,
        first_to_second_table(&pairs, names, &called)?,
        next_purchase_table(&ledger, names, &called)?,
    ];
    let report = BasketReport {
        orders_without_product,
        without_category,
        value,
        itemsets: report,
        rules: rule_report,
        sequences: sequence_report,
        warnings,
    };
    let told = vec![tell::tell(&report, &found, &said)];
    Ok(Done {
        columns: Vec::new(),
        tables,
        told,
        warnings: report.warnings.clone(),
        report: serde_json::to_value(report)?,
    })
}

/// Says which limits left something out.
fn warnings(
    settings: &Settings,
    sets: &Report,
    rules: &RuleReport,
    sequences: Option<&SequenceReport>,
) -> Vec<Message> {
    let mut said = Vec::new();
    if sets.baskets_left_out > 0 {
        let most = settings.limits.max_basket;
        said.push(message!("baskets_left_out", baskets = sets.baskets_left_out, most = most));
    }
    if sets.used_count > sets.min_count {
        let most = settings.limits.max_itemsets;
        said.push(message!("itemsets_cut", most = most, asked = sets.min_count, used = sets.used_count));
    }
    if sets.cut_at_max_items {
        said.push(message!("items_cut", items = settings.limits.max_items));
    }
    if rules.beyond_max_rules > 0 {
        let all = rules.rules + rules.beyond_max_rules;
        said.push(message!("rules_cut", kept = settings.rules.max_rules, rules = all));
    }
    if let Some(s) = sequences.filter(|s| s.used_count > s.min_count) {
        let most = settings.max_sequences;
        said.push(message!("sequences_cut", most = most, asked = s.min_count, used = s.used_count));
    }
    said
}

fn hierarchy_rows(path: &Path) -> Result<Vec<Vec<String>>, PipelineError> {
    Ok(side::columns(path, HIERARCHY_FILE, &["item", "parent"])?.rows)
}

impl<'a> Items<'a> {
    /// Names as they are printed: a category that has the name of a product says so.
    fn labels(&self) -> Vec<String> {
        let products: HashSet<&str> = self.names[..self.products].iter().copied().collect();
        let label = |(i, name): (usize, &&str)| {
            if i >= self.products && products.contains(name) {
                format!("{name} (category)")
            } else {
                (*name).to_owned()
            }
        };
        self.names.iter().enumerate().map(label).collect()
    }

    fn new(
        products: &[&'a str],
        categories: &[&'a str],
        rows: &'a [Vec<String>],
        settings: &Settings,
    ) -> Result<Items<'a>, NotDone> {
        if settings.level == Level::Product {
            return Ok(Items { names: products.to_vec(), products: products.len(), ancestors: Vec::new() });
        }
        let wrong = |problem: String| {
            NotDone::Broken(PipelineError::Setting { key: "[basket] hierarchy_file".to_owned(), problem })
        };
        let from_column: Vec<(&str, &str)> =
            products.iter().zip(categories).filter(|(_, c)| !c.is_empty()).map(|(p, c)| (*p, *c)).collect();
        let from_file: Vec<(&str, &str)> =
            rows.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
        let by_file = settings.hierarchy_file.is_some();
        let pairs = if by_file { from_file } else { from_column };
        let named = |(item, parent): &(&str, &str)| !item.is_empty() && !parent.is_empty();
        if !pairs.iter().any(named) {
            return Err(NotDone::Skipped(
                "categories are asked for, but there are none; name their column, [columns] category, or give a [basket] hierarchy_file"
                    .to_owned(),
            ));
        }
        // A category of the column is another thing than a product of the same name; in a file, a name is one item.
        let mut names = products.to_vec();
        let mut number: HashMap<&str, u32> = HashMap::new();
        if by_file {
            number.extend(products.iter().enumerate().map(|(i, p)| (*p, i as u32)));
        }
        let mut node = |name: &'a str| {
            *number.entry(name).or_insert_with(|| {
                names.push(name);
                names.len() as u32 - 1
            })
        };
        let mut parent: Vec<Option<u32>> = vec![None; products.len()];
        for (i, (item, above)) in pairs.into_iter().enumerate().filter(|(_, pair)| named(pair)) {
            let below =
                if by_file { node(item) as usize } else { products.binary_search(&item).unwrap_or(0) };
            let above = node(above);
            parent.resize(parent.len().max(below + 1).max(above as usize + 1), None);
            if parent[below].replace(above).is_some_and(|other| other != above) {
                return Err(wrong(format!("row {}: `{item}` has two parents; an item has one", i + 2)));
            }
        }
        drop(number);
        let ancestors = hierarchy::ancestors(&parent).map_err(|fault| match fault {
            Fault::Circle(circle) => {
                let mut path: Vec<&str> = circle.iter().map(|n| names[*n as usize]).collect();
                path.extend(path.first().copied());
                // A long way is told by its ends.
                if path.len() > 12 {
                    path.splice(6..path.len() - 5, ["..."]);
                }
                wrong(format!("`{}` is above itself: {}", path[0], path.join(" below ")))
            }
            Fault::TooDeep(node) => wrong(format!(
                "`{}` has more than {} levels above it; leave out levels that mean nothing",
                names[node as usize],
                hierarchy::MOST_LEVELS
            )),
        })?;
        Ok(Items { names, products: products.len(), ancestors })
    }
}

/// Baskets of products, and how many orders with a sale have no product.
fn orders_as_baskets(
    ledger: &Ledger<'_>,
    unit: Unit,
    weeks: Calendar,
    items: usize,
) -> Result<(Baskets, usize), NotDone> {
    let (mut basket, mut item) = (Vec::new(), Vec::new());
    let (mut last, mut baskets) = (None, 0u32);
    let mut with_product = 0;
    let mut last_order = -1;
    for row in (0..ledger.order.len()).filter(|r| ledger.is_bought(*r)) {
        let Some(product) = ledger.product(row) else { continue };
        let key = match unit {
            Unit::Order => (ledger.order[row] as usize, 0),
            Unit::Customer => (ledger.customer(row), 0),
            Unit::CustomerWeek => (ledger.customer(row), weeks.period(ledger.day(row))),
        };
        if last.replace(key) != Some(key) {
            baskets += 1;
        }
        basket.push(baskets);
        item.push(product as u32);
        if std::mem::replace(&mut last_order, ledger.order[row]) != ledger.order[row] {
            with_product += 1;
        }
    }
    let sold = ledger.order_sales.iter().filter(|s| **s > 0).count();
    Ok((Baskets::from_lines(&basket, &item, items)?, sold - with_product))
}

/// Baskets of a customer's day, with the customer and the day of each.
fn days_as_baskets(ledger: &Ledger<'_>, items: usize) -> Result<(Baskets, Vec<u32>, Vec<i32>), NotDone> {
    let (mut basket, mut item) = (Vec::new(), Vec::new());
    let (mut owner, mut day) = (Vec::new(), Vec::new());
    for row in (0..ledger.order.len()).filter(|r| ledger.is_bought(*r)) {
        let Some(product) = ledger.product(row) else { continue };
        let here = (ledger.customer(row) as u32, ledger.day(row).0);
        if owner.last().copied().zip(day.last().copied()) != Some(here) {
            owner.push(here.0);
            day.push(here.1);
        }
        basket.push(owner.len() as u32);
        item.push(product as u32);
    }
    Ok((Baskets::from_lines(&basket, &item, items)?, owner, day))
}

/// The mean value of each item in a basket that holds it, and which value it is.
fn values(
    ledger: &Ledger<'_>,
    items: &Items<'_>,
    baskets: &Baskets,
    worth: Worth,
) -> (Vec<f64>, &'static str) {
    let costed = ledger.uncosted.iter().all(|n| *n == 0);
    let margin = worth == Worth::Margin && costed;
    let mut sums = vec![0i128; items.names.len()];
    for row in 0..ledger.order.len() {
        let Some(product) = ledger.product(row) else { continue };
        let value =
            i128::from(ledger.net_e4(row)) - if margin { i128::from(ledger.net_cost_e4(row)) } else { 0 };
        sums[product] += value;
        for above in items.ancestors.get(product).into_iter().flatten() {
            sums[*above as usize] += value;
        }
    }
    let mut held = vec![0u64; items.names.len()];
    baskets.iter().flatten().for_each(|i| held[*i as usize] += 1);
    let mean = |(sum, n): (i128, u64)| if n == 0 { 0.0 } else { sum as f64 / SCALE as f64 / n as f64 };
    (sums.into_iter().zip(held).map(mean).collect(), if margin { "margin" } else { "revenue" })
}

/// Names as a JSON array: unambiguous whatever is in them.
fn json(items: &[u32], names: &[String]) -> String {
    let named: Vec<&String> = items.iter().map(|i| &names[*i as usize]).collect();
    serde_json::to_string(&named).unwrap_or_default()
}

fn words(items: &[u32], names: &[String]) -> String {
    items.iter().map(|i| names[*i as usize].as_str()).collect::<Vec<_>>().join(" + ")
}

/// A rule as people read it.
fn in_words(rule: &Rule, said: &[String]) -> String {
    format!("{} => {}", words(&rule.left, said), words(&rule.right, said))
}

fn some<T>(value: T) -> Option<T> {
    Some(value)
}

fn itemsets_table(
    sets: &Itemsets,
    names: &[String],
    values: &[f64],
    written: Written,
) -> Result<Made, TableError> {
    let kept: Vec<usize> = (0..sets.len())
        .filter(|i| match written {
            Written::All => true,
            Written::Closed => sets.is_closed(*i),
            Written::Maximal => sets.is_maximal(*i),
        })
        .collect();
    let each = || kept.iter().copied();
    let n = sets.baskets as f64;
    make(
        &ITEMSETS,
        vec![
            ("itemset_id", counts((1..=kept.len() as u64).map(some))),
            ("items", texts(each().map(|i| some(json(sets.items(i), names))))),
            ("size", ints(each().map(|i| sets.items(i).len() as i32))),
            ("baskets", counts(each().map(|i| some(sets.count(i))))),
            ("support", floats(each().map(|i| some(sets.count(i) as f64 / n)))),
            ("is_closed", booleans(each().map(|i| some(sets.is_closed(i))))),
            ("is_maximal", booleans(each().map(|i| some(sets.is_maximal(i))))),
            (
                "value",
                floats(each().map(|i| some(sets.items(i).iter().map(|item| values[*item as usize]).sum()))),
            ),
        ],
    )
}

fn rules_table(rules: &[Rule], names: &[String], said: &[String]) -> Result<Made, TableError> {
    let number = |f: &dyn Fn(&Rule) -> f64| floats(rules.iter().map(|r| Some(f(r))));
    let count = |f: &dyn Fn(&Rule) -> u64| counts(rules.iter().map(|r| Some(f(r))));
    make(
        &RULES,
        vec![
            ("rule_id", counts((1..=rules.len() as u64).map(some))),
            ("rule", texts(rules.iter().map(|r| some(in_words(r, said))))),
            ("left_items", texts(rules.iter().map(|r| some(json(&r.left, names))))),
            ("right_items", texts(rules.iter().map(|r| some(json(&r.right, names))))),
            ("baskets_both", count(&|r| r.both)),
            ("baskets_left", count(&|r| r.with_left)),
            ("baskets_right", count(&|r| r.with_right)),
            ("baskets", count(&|r| r.baskets)),
            ("support", number(&Rule::support)),
            ("confidence", number(&Rule::confidence)),
            ("confidence_low", number(&|r| r.confidence_interval().0)),
            ("confidence_high", number(&|r| r.confidence_interval().1)),
            ("lift", number(&Rule::lift)),
            ("leverage", number(&Rule::leverage)),
            ("conviction", number(&Rule::conviction)),
            ("zhang", number(&Rule::zhang)),
            ("jaccard", number(&Rule::jaccard)),
            ("cosine", number(&Rule::cosine)),
            ("kulczynski", number(&Rule::kulczynski)),
            ("imbalance", number(&Rule::imbalance)),
            ("p_value", number(&|r| r.p_value)),
            ("p_adjusted", number(&|r| r.p_adjusted)),
            ("right_value", number(&|r| r.right_value)),
            ("expected_value", number(&Rule::expected_value)),
        ],
    )
}

fn sequences_table(
    sequences: &[Sequence],
    names: &[String],
    said: &[String],
    customers: u64,
) -> Result<Made, TableError> {
    let in_words = |s: &Sequence| s.sets.iter().map(|set| words(set, said)).collect::<Vec<_>>().join(" => ");
    let sets = |s: &Sequence| {
        let named: Vec<Vec<&String>> =
            s.sets.iter().map(|set| set.iter().map(|i| &names[*i as usize]).collect()).collect();
        serde_json::to_string(&named).unwrap_or_default()
    };
    let confidence =
        |s: &Sequence| (s.sets.len() > 1).then(|| s.customers as f64 / s.customers_before as f64);
    let lift = |s: &Sequence| confidence(s).map(|c| c / (s.customers_last as f64 / customers as f64));
    make(
        &SEQUENCES,
        vec![
            ("sequence_id", counts((1..=sequences.len() as u64).map(some))),
            ("sequence", texts(sequences.iter().map(|s| some(in_words(s))))),
            ("sets", texts(sequences.iter().map(|s| some(sets(s))))),
            ("length", ints(sequences.iter().map(|s| s.sets.len() as i32))),
            ("items", ints(sequences.iter().map(|s| s.sets.iter().map(Vec::len).sum::<usize>() as i32))),
            ("customers", counts(sequences.iter().map(|s| some(s.customers)))),
            ("support", floats(sequences.iter().map(|s| some(s.customers as f64 / customers as f64)))),
            ("confidence", floats(sequences.iter().map(confidence))),
            ("lift", floats(sequences.iter().map(lift))),
            ("median_gap_days", floats(sequences.iter().map(|s| s.median_gap_days))),
        ],
    )
}

fn first_to_second_table(
    pairs: &[FirstToSecond],
    names: &[String],
    called: &[&str],
) -> Result<Made, TableError> {
    let name = |p: u32| Some(called[p as usize]).filter(|n| !n.is_empty());
    make(
        &FIRST_TO_SECOND,
        vec![
            ("first_product", texts(pairs.iter().map(|p| some(&names[p.first as usize])))),
            ("first_name", texts(pairs.iter().map(|p| name(p.first)))),
            ("second_name", texts(pairs.iter().map(|p| name(p.second)))),
            ("second_product", texts(pairs.iter().map(|p| some(&names[p.second as usize])))),
            ("customers", counts(pairs.iter().map(|p| some(p.customers)))),
            ("first_customers", counts(pairs.iter().map(|p| some(p.with_first)))),
            ("came_again", counts(pairs.iter().map(|p| some(p.came_again)))),
            ("confidence", floats(pairs.iter().map(|p| some(p.confidence())))),
            ("lift", floats(pairs.iter().map(|p| some(p.lift())))),
            ("median_days", floats(pairs.iter().map(|p| some(p.median_days)))),
        ],
    )
}

fn next_purchase_table(ledger: &Ledger<'_>, names: &[String], called: &[&str]) -> Result<Made, TableError> {
    let name = |p: u32| Some(called[p as usize]).filter(|n| !n.is_empty());
    let rows = next_purchases(ledger);
    let next = |q: usize| floats(rows.iter().map(|r| r.days_to_next.map(|d| d[q])));
    let again = |q: usize| floats(rows.iter().map(|r| r.days_to_repeat.map(|d| d[q])));
    make(
        &NEXT_PURCHASE,
        vec![
            ("product", texts(rows.iter().map(|r| some(&names[r.product as usize])))),
            ("product_name", texts(rows.iter().map(|r| name(r.product)))),
            ("orders", counts(rows.iter().map(|r| some(r.orders)))),
            ("followed", counts(rows.iter().map(|r| some(r.followed)))),
            ("days_to_next_q1", next(0)),
            ("days_to_next_median", next(1)),
            ("days_to_next_q3", next(2)),
            ("customers", counts(rows.iter().map(|r| some(r.customers)))),
            ("repeaters", counts(rows.iter().map(|r| some(r.repeaters)))),
            ("days_to_repeat_q1", again(0)),
            ("days_to_repeat_median", again(1)),
            ("days_to_repeat_q3", again(2)),
        ],
    )
}
