//! Concentration, classes, key customers, products, and the revenue bridge.

pub mod schema;
pub mod settings;
mod tell;

use std::sync::Arc;

use arrow::array::Date32Array;
use serde::Serialize;
use tillwise_core::message;
use tillwise_core::told::Message;
use tillwise_core::{Day, sum_to_f64 as money};
use tillwise_mine::cohort::Calendar;
use tillwise_mine::ledger::Ledger;
use tillwise_mine::value::{Bridge, Concentration, Part, bridge, classes, concentration, lorenz, ranking};
use tillwise_table::TableError;

use super::{Context, Done, Made, booleans, counts, days, floats, ints, make, texts};
use crate::NotDone;
use crate::analysis::{Analysis, Needs};
use crate::charts::{ChartOf, Picture, Unit};
use schema::{CONCENTRATION, KEY_CUSTOMERS, LORENZ, PRODUCTS, REVENUE_BRIDGE};
pub use settings::Settings;

/// Pictures of its tables.
const CHARTS: &[ChartOf] = &[
    ChartOf {
        key: "lorenz",
        table: "lorenz",
        only: &[],
        picture: Picture::Lines {
            x: ("member_share", Unit::Share),
            y: &["revenue_share"],
            unit: Unit::Share,
            by: Some("subject"),
            band: None,
            diagonal: true,
        },
    },
    ChartOf {
        key: "bridge_by_customers",
        table: "revenue_bridge",
        only: &[("view", "customers")],
        picture: Picture::Bridge { names: "part", steps: "amount" },
    },
    ChartOf {
        key: "bridge_by_products",
        table: "revenue_bridge",
        only: &[("view", "products")],
        picture: Picture::Bridge { names: "part", steps: "amount" },
    },
];

/// Concentration, classes and the revenue bridge.
pub const ANALYSIS: Analysis = Analysis {
    name: "value",
    about: "Only concentration, value classes and the revenue bridge",
    manual: include_str!("manual.toml"),
    proposes: &["bridge_days"],
    tables: schema::TABLES,
    charts: CHARTS,
    scores: schema::SCORES,
    needs: |_ask| Needs { orders: true, ..Needs::default() },
    run,
    ..Analysis::NONE
};

#[derive(Serialize)]
struct Report {
    customers: Concentration,
    #[serde(skip_serializing_if = "Option::is_none")]
    products: Option<Concentration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bridge: Option<Bridge>,
    warnings: Vec<Message>,
}

/// The points of a Lorenz curve.
const STEPS: usize = 100;

fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let settings = &context.config.value;
    let orders = context.orders()?;
    let ledger = orders.ledger(context.customers.rows())?;
    let calendar = context.config.run.calendar_of(settings.over, settings.fiscal_start_month)?;
    let (names, called, categories) = (orders.products()?, orders.names()?, orders.categories()?);
    let by_customer = ledger.by_customer();
    let by_product = ledger.by_product();
    let sold = Sold::of(&ledger);
    // A product that was only ever returned is no product of this shop's.
    let with_sales: Vec<usize> = (0..names.len()).filter(|p| sold.orders[*p] > 0).collect();
    let product_values: Vec<i128> = with_sales.iter().map(|p| by_product[*p]).collect();

    let mut warnings = Vec::new();
    let [before, after] = settings.periods(context.as_of);
    let first = ledger.order_day.iter().min().map_or(context.as_of, |d| Day(*d));
    let bridged = if before.0 < first {
        let most = ((context.as_of.since(first) + 1) / 2).max(1);
        warnings.push(message!("bridge_begins_early", begins = before.0, first = first, most = most));
        None
    } else if after.1 > context.as_of {
        warnings.push(message!("bridge_ends_late", ends = after.1, as_of = context.as_of));
        None
    } else {
        Some(bridge(&ledger, before, after))
    };
    let whole = concentration(&by_customer);
    if whole.negative > 0 {
        warnings.push(message!("negative_customers", customers = whole.negative));
    }
    let of_products = (!product_values.is_empty()).then(|| concentration(&product_values));
    let subjects = [
        ("customers", Some(&by_customer)),
        ("products", (!product_values.is_empty()).then_some(&product_values)),
    ];
    let over_time = over_time(&ledger, calendar);
    let mut rows: Vec<(&str, Option<Day>, Concentration)> = vec![("customers", None, whole.clone())];
    rows.extend(of_products.clone().map(|c| ("products", None, c)));
    rows.extend(over_time);

    let keys = Keys::of(context, &by_customer, settings.key_customers)?;
    let bridge_rows = bridged.as_ref().map_or(Vec::new(), bridge_rows);
    let tables = vec![
        concentration_table(&rows)?,
        lorenz_table(&subjects)?,
        keys.table()?,
        products_table(&names, &called, &categories, &with_sales, &product_values, &sold)?,
        bridge_table(&bridge_rows, before, after)?,
    ];
    let told = vec![tell::tell(&whole, &keys, &bridge_rows)];
    let report = Report { customers: whole, products: of_products, bridge: bridged, warnings };
    Ok(Done {
        columns: vec![("value_class", texts(classes(&by_customer).into_iter().map(|c| Some(c.name()))))],
        tables,
        told,
        warnings: report.warnings.clone(),
        report: serde_json::to_value(report)?,
    })
}

/// Concentration in each period of the calendar, of customers and of products with a sale in it.
fn over_time(ledger: &Ledger<'_>, calendar: Calendar) -> Vec<(&'static str, Option<Day>, Concentration)> {
    let (Some(first), Some(last)) = (ledger.order_day.iter().min(), ledger.order_day.iter().max()) else {
        return Vec::new();
    };
    let (first, last) = (calendar.period(Day(*first)), calendar.period(Day(*last)));
    let mut rows_of: Vec<Vec<u32>> = vec![Vec::new(); (last - first + 1) as usize];
    for row in 0..ledger.order.len() {
        rows_of[(calendar.period(ledger.day(row)) - first) as usize].push(row as u32);
    }
    let mut customers = vec![(0i128, false); ledger.customers];
    let mut products = vec![(0i128, false); ledger.products];
    let mut all = Vec::new();
    // A date far away makes many periods, and nearly all of them are empty.
    for (period, rows) in rows_of.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
        customers.fill((0, false));
        products.fill((0, false));
        for row in rows {
            let row = row as usize;
            let sold = ledger.sales[row] > 0;
            let add = |slot: &mut (i128, bool)| {
                slot.0 += i128::from(ledger.net_e4(row));
                slot.1 |= sold;
            };
            add(&mut customers[ledger.customer(row)]);
            if let Some(product) = ledger.product(row) {
                add(&mut products[product]);
            }
        }
        let start = calendar.start(first + period as i32);
        for (subject, members) in [("customers", &customers), ("products", &products)] {
            let values: Vec<i128> = members.iter().filter(|m| m.1).map(|m| m.0).collect();
            if !values.is_empty() {
                all.push((subject, Some(start), concentration(&values)));
            }
        }
    }
    all.sort_by_key(|(subject, start, _)| (*subject, *start));
    all
}

fn concentration_table(rows: &[(&str, Option<Day>, Concentration)]) -> Result<Made, TableError> {
    let count = |f: &dyn Fn(&Concentration) -> usize| counts(rows.iter().map(|r| Some(f(&r.2) as u64)));
    let share = |f: &dyn Fn(&Concentration) -> Option<f64>| floats(rows.iter().map(|r| f(&r.2)));
    let known = |c: &Concentration| c.gini.map(|_| c.members_for_80);
    let starts = rows.iter().map(|r| r.1.map(|d| d.0)).collect::<Date32Array>();
    make(
        &CONCENTRATION,
        vec![
            ("subject", texts(rows.iter().map(|r| Some(r.0)))),
            ("period_start", Arc::new(starts)),
            ("members", count(&|c| c.members)),
            ("negative_members", count(&|c| c.negative)),
            ("net_revenue", share(&|c| Some(money(c.total_e4)))),
            ("gini", share(&|c| c.gini)),
            ("top_1_share", share(&|c| c.top[0])),
            ("top_5_share", share(&|c| c.top[1])),
            ("top_10_share", share(&|c| c.top[2])),
            ("top_20_share", share(&|c| c.top[3])),
            ("top_50_share", share(&|c| c.top[4])),
            ("members_for_80", counts(rows.iter().map(|r| known(&r.2).map(|n| n as u64)))),
            ("share_for_80", share(&|c| known(c).map(|n| n as f64 / c.members as f64))),
            ("class_a", count(&|c| c.classes[0])),
            ("class_b", count(&|c| c.classes[1])),
            ("class_c", count(&|c| c.classes[2])),
            ("largest_share", share(&|c| c.largest)),
            ("herfindahl", share(&|c| c.herfindahl)),
            ("effective_members", share(&|c| c.herfindahl.map(|h| 1.0 / h))),
        ],
    )
}

fn lorenz_table(subjects: &[(&str, Option<&Vec<i128>>)]) -> Result<Made, TableError> {
    let points: Vec<(&str, (f64, f64))> = subjects
        .iter()
        .filter_map(|(subject, values)| Some((*subject, (*values)?)))
        .flat_map(|(subject, values)| lorenz(values, STEPS).into_iter().map(move |p| (subject, p)))
        .collect();
    make(
        &LORENZ,
        vec![
            ("subject", texts(points.iter().map(|p| Some(p.0)))),
            ("member_share", floats(points.iter().map(|p| Some(p.1.0)))),
            ("revenue_share", floats(points.iter().map(|p| Some(p.1.1)))),
        ],
    )
}

/// The customers that the business depends on most, the largest first.
struct Keys<'a> {
    ids: Vec<&'a str>,
    net_revenue: Vec<f64>,
    share: Vec<Option<f64>>,
    cumulative: Vec<Option<f64>>,
    orders: Vec<u64>,
    days_since_last: Vec<i32>,
    mean_gap_days: Vec<f64>,
}

impl<'a> Keys<'a> {
    fn of(context: &Context<'a>, values: &[i128], most: usize) -> Result<Keys<'a>, NotDone> {
        let table = context.customers;
        let keys: Vec<usize> = ranking(values).into_iter().take(most).map(|i| i as usize).collect();
        let total: i128 = values.iter().map(|v| (*v).max(0)).sum();
        let share = |sum: i128| (total > 0).then(|| sum.max(0) as f64 / total as f64);
        let (ids, orders) = (table.texts("customer_id")?, table.f64s("orders")?);
        let (since, gap) = (table.f64s("days_since_last")?, table.f64s("mean_gap_days")?);
        let mut sum = 0;
        Ok(Keys {
            ids: keys.iter().map(|i| ids[*i]).collect(),
            net_revenue: keys.iter().map(|i| money(values[*i])).collect(),
            share: keys.iter().map(|i| share(values[*i])).collect(),
            cumulative: keys
                .iter()
                .map(|i| {
                    sum += values[*i].max(0);
                    share(sum)
                })
                .collect(),
            orders: keys.iter().map(|i| orders[*i] as u64).collect(),
            days_since_last: keys.iter().map(|i| since[*i] as i32).collect(),
            mean_gap_days: keys.iter().map(|i| gap[*i]).collect(),
        })
    }

    fn table(&self) -> Result<Made, TableError> {
        let n = self.ids.len();
        let late = |i: usize| {
            let gap = self.mean_gap_days[i];
            gap.is_finite().then(|| f64::from(self.days_since_last[i]) > 2.0 * gap)
        };
        make(
            &KEY_CUSTOMERS,
            vec![
                ("place", ints(1..=n as i32)),
                ("customer_id", texts(self.ids.iter().map(Some))),
                ("net_revenue", floats(self.net_revenue.iter().copied().map(Some))),
                ("revenue_share", floats(self.share.iter().copied())),
                ("cumulative_share", floats(self.cumulative.iter().copied())),
                ("orders", counts(self.orders.iter().copied().map(Some))),
                ("days_since_last", ints(self.days_since_last.iter().copied())),
                ("mean_gap_days", floats(self.mean_gap_days.iter().copied().map(Some))),
                ("is_late", booleans((0..n).map(late))),
            ],
        )
    }
}

/// What was sold of each product.
struct Sold {
    gross: Vec<i128>,
    units: Vec<i128>,
    returned: Vec<i128>,
    cost: Vec<i128>,
    uncosted: Vec<i128>,
    orders: Vec<u64>,
    customers: Vec<u64>,
}

impl Sold {
    fn of(ledger: &Ledger<'_>) -> Sold {
        let n = ledger.products;
        let zero = || vec![0; n];
        let mut sold = Sold {
            gross: zero(),
            units: zero(),
            returned: zero(),
            cost: zero(),
            uncosted: zero(),
            orders: vec![0; n],
            customers: vec![0; n],
        };
        let mut last = vec![usize::MAX; n];
        for row in 0..ledger.order.len() {
            let Some(p) = ledger.product(row) else { continue };
            sold.gross[p] += i128::from(ledger.gross_e4[row]);
            sold.units[p] += i128::from(ledger.units_e4[row]);
            sold.returned[p] += i128::from(ledger.returned_e4[row]);
            sold.cost[p] += i128::from(ledger.net_cost_e4(row));
            sold.uncosted[p] += i128::from(ledger.uncosted[row]);
            if ledger.sales[row] > 0 {
                sold.orders[p] += 1;
                // Orders of a customer stand together.
                let customer = ledger.customer(row);
                if std::mem::replace(&mut last[p], customer) != customer {
                    sold.customers[p] += 1;
                }
            }
        }
        sold
    }
}

fn products_table(
    names: &[&str],
    called: &[&str],
    categories: &[&str],
    products: &[usize],
    values: &[i128],
    sold: &Sold,
) -> Result<Made, TableError> {
    let class = classes(values);
    let total: i128 = values.iter().map(|v| (*v).max(0)).sum();
    // Places within `products`, the largest first.
    let order: Vec<usize> = ranking(values).into_iter().map(|i| i as usize).collect();
    let p = |i: &usize| products[*i];
    let e4 = |value: i128| Some(money(value));
    let costed = |i: &usize| sold.uncosted[p(i)] == 0;
    let share = |v: i128| (total > 0).then(|| v.max(0) as f64 / total as f64);
    let price = |i: &usize| (sold.units[p(i)] > 0).then(|| sold.gross[p(i)] as f64 / sold.units[p(i)] as f64);
    make(
        &PRODUCTS,
        vec![
            ("product", texts(order.iter().map(|i| Some(names[p(i)])))),
            ("product_name", texts(order.iter().map(|i| Some(called[p(i)]).filter(|n| !n.is_empty())))),
            ("category", texts(order.iter().map(|i| Some(categories[p(i)]).filter(|c| !c.is_empty())))),
            ("product_class", texts(order.iter().map(|i| Some(class[*i].name())))),
            ("net_revenue", floats(order.iter().map(|i| e4(values[*i])))),
            ("revenue_share", floats(order.iter().map(|i| share(values[*i])))),
            (
                "margin",
                floats(order.iter().map(|i| if costed(i) { e4(values[*i] - sold.cost[p(i)]) } else { None })),
            ),
            ("units", floats(order.iter().map(|i| e4(sold.units[p(i)])))),
            ("mean_unit_price", floats(order.iter().map(price))),
            ("returns_value", floats(order.iter().map(|i| e4(sold.returned[p(i)])))),
            ("orders", counts(order.iter().map(|i| Some(sold.orders[p(i)])))),
            ("customers", counts(order.iter().map(|i| Some(sold.customers[p(i)])))),
        ],
    )
}

/// A part of the bridge: view, part, amount, customers or products.
type BridgeRow = (&'static str, &'static str, f64, Option<usize>);

fn bridge_rows(b: &Bridge) -> Vec<BridgeRow> {
    let part = |view, name, p: Part| -> BridgeRow { (view, name, p.amount, Some(p.members)) };
    vec![
        ("customers", "before", b.before, None),
        part("customers", "new", b.new),
        part("customers", "returning", b.returning),
        part("customers", "grown", b.grown),
        part("customers", "unchanged", b.unchanged),
        part("customers", "shrunk", b.shrunk),
        part("customers", "lost", b.lost),
        ("customers", "after", b.after, None),
        ("products", "before", b.before, None),
        part("products", "volume", b.volume),
        part("products", "price", b.price),
        part("products", "new_products", b.new_products),
        part("products", "dropped_products", b.dropped_products),
        ("products", "other", b.other, None),
        ("products", "after", b.after, None),
    ]
}

fn bridge_table(rows: &[BridgeRow], before: (Day, Day), after: (Day, Day)) -> Result<Made, TableError> {
    let period = |part: &str| if part == "before" { before } else { after };
    let step = |i: usize| rows[..=i].iter().filter(|r| r.0 == rows[i].0).count() as i32;
    make(
        &REVENUE_BRIDGE,
        vec![
            ("view", texts(rows.iter().map(|r| Some(r.0)))),
            ("step", ints((0..rows.len()).map(step))),
            ("part", texts(rows.iter().map(|r| Some(r.1)))),
            ("amount", floats(rows.iter().map(|r| Some(r.2)))),
            ("members", counts(rows.iter().map(|r| r.3.map(|n| n as u64)))),
            ("period_start", days(rows.iter().map(|r| period(r.1).0))),
            ("period_end", days(rows.iter().map(|r| period(r.1).1))),
        ],
    )
}
