//! What part each column plays, from its name and its values.

use super::sample::Sample;
use super::{counts, date_formats};
use crate::numbers::NumberFormat;

/// What the values of a column look like.
pub struct Profile {
    pub name: String,
    pub example: String,
    values: Vec<String>,
    distinct: usize,
}

impl Profile {
    pub fn of(sample: &Sample, column: usize) -> Profile {
        let values: Vec<String> = sample.values(column).map(str::to_owned).collect();
        Profile {
            name: sample.names()[column].clone(),
            example: values.first().cloned().unwrap_or_default(),
            distinct: counts(values.iter().map(String::as_str)).len(),
            values,
        }
    }

    fn share(&self, holds: impl Fn(&str) -> bool) -> f64 {
        self.values.iter().filter(|v| holds(v)).count() as f64 / self.values.len().max(1) as f64
    }

    fn is_numeric(&self, numbers: &NumberFormat) -> bool {
        !self.values.is_empty() && self.share(|v| numbers.parse(v.as_bytes()).is_some()) > 0.95
    }

    fn has_decimals(&self, numbers: &NumberFormat) -> bool {
        self.values
            .iter()
            .filter_map(|v| numbers.parse(v.as_bytes()))
            .any(|d| d.decimals > 0 && d.mantissa % 10i64.saturating_pow(d.decimals.min(18)) != 0)
    }
}

/// The columns found for each part.
#[derive(Default)]
pub struct Found {
    pub customer: Option<usize>,
    pub order: Option<usize>,
    /// With its format.
    pub date: Option<(usize, String)>,
    pub product: Option<usize>,
    pub quantity: Option<usize>,
    pub price: Option<usize>,
    pub amount: Option<usize>,
    pub category: Option<usize>,
    pub country: Option<usize>,
    pub channel: Option<usize>,
    pub store: Option<usize>,
    pub currency: Option<usize>,
    pub unit_cost: Option<usize>,
    pub cancelled: Option<usize>,
}

/// The decimal mark and the thousands separator, from values such as `1.234,50`.
pub fn number_marks(profiles: &[Profile]) -> (Option<char>, &'static str) {
    let (mut comma_decimal, mut point_decimal) = (0usize, 0usize);
    let (mut comma_groups, mut point_groups) = (0usize, 0usize);
    let formats: Vec<_> = date_formats().into_iter().filter(|(p, _)| p != "iso").collect();
    for profile in profiles {
        let numeric = |v: &str| {
            v.bytes().any(|b| b.is_ascii_digit())
                && v.bytes().all(|b| b.is_ascii_digit() || b"., -+()".contains(&b))
        };
        let date = |v: &str| formats.iter().any(|(_, f)| f.parse(v.as_bytes()).is_some());
        let head = profile.values.iter().take(20);
        if profile.share(numeric) < 0.95 || head.clone().filter(|v| date(v)).count() * 2 > head.len() {
            continue;
        }
        for value in profile.values.iter().take(2000) {
            let commas = value.matches(',').count();
            let points = value.matches('.').count();
            let after =
                |mark: char| value.rsplit(mark).next().map_or(0, |t| t.trim_end_matches([')', '-']).len());
            match (commas, points) {
                (0, 0) => {}
                (1.., 1) if value.rfind(',') < value.rfind('.') => {
                    point_decimal += 1;
                    comma_groups += 1;
                }
                (1, 1..) => {
                    comma_decimal += 1;
                    point_groups += 1;
                }
                (0, 1) if after('.') != 3 => point_decimal += 1,
                (1, 0) if after(',') != 3 => comma_decimal += 1,
                (2.., 0) => comma_groups += 1,
                (0, 2..) => point_groups += 1,
                _ => {}
            }
        }
    }
    if comma_decimal > point_decimal {
        (Some(','), if point_groups > 0 { "." } else { "" })
    } else {
        (None, if comma_groups > 0 { "," } else { "" })
    }
}

/// Lower case, letters and digits only.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Names by part, the surest first. A name fits if it equals one of the words, or holds it.
const CUSTOMER: &[&str] = &[
    "customerid",
    "custid",
    "customerno",
    "customernumber",
    "customercode",
    "customer",
    "clientid",
    "client",
    "memberid",
    "userid",
    "buyerid",
    "accountid",
    "cust",
    "member",
    "buyer",
    "user",
    "account",
    "email",
    "مشتری",
];
const ORDER: &[&str] = &[
    "invoiceno",
    "invoiceid",
    "invoicenumber",
    "invoice",
    "orderid",
    "orderno",
    "ordernumber",
    "order",
    "receiptid",
    "receipt",
    "transactionid",
    "transaction",
    "basketid",
    "ticket",
    "فاکتور",
];
const PRODUCT: &[&str] = &[
    "stockcode",
    "sku",
    "productid",
    "productcode",
    "itemid",
    "itemcode",
    "articleid",
    "article",
    "product",
    "item",
    "کالا",
];
const QUANTITY: &[&str] = &["quantity", "qty", "units", "numberof", "pieces", "count", "تعداد"];
const PRICE: &[&str] = &["unitprice", "priceperunit", "itemprice", "price", "قیمت"];
const AMOUNT: &[&str] = &[
    "amount",
    "linetotal",
    "totalprice",
    "totalpurchase",
    "total",
    "revenue",
    "sales",
    "dollarvalue",
    "value",
    "spend",
    "paid",
    "turnover",
    "مبلغ",
];
const CATEGORY: &[&str] = &["productcategory", "category", "department", "productgroup"];
const COUNTRY: &[&str] = &["country", "market"];
const CHANNEL: &[&str] = &["saleschannel", "channel", "source"];
const STORE: &[&str] = &["storeid", "store", "shop", "branch", "outlet"];
const CURRENCY: &[&str] = &["currency", "currencycode"];
const UNIT_COST: &[&str] = &["unitcost", "costprice", "cogs", "cost"];
const CANCELLED: &[&str] = &["iscancelled", "cancelled", "canceled", "iscanceled"];
const DATE: &[&str] = &[
    "invoicedate",
    "orderdate",
    "transactiondate",
    "purchasedate",
    "date",
    "createdat",
    "createdts",
    "created",
    "timestamp",
    "datetime",
    "time",
    "تاریخ",
];

/// How well a name fits a part: smaller is better.
fn fit(name: &str, words: &[&str]) -> Option<usize> {
    let name = plain(name);
    words
        .iter()
        .position(|w| name == *w)
        .or_else(|| words.iter().position(|w| name.contains(w)).map(|p| p + words.len()))
}

/// Finds a column for each part.
pub fn assign(
    sample: &Sample,
    profiles: &[Profile],
    numbers: &NumberFormat,
    unsure: &mut Vec<String>,
) -> Found {
    let mut taken = vec![false; profiles.len()];
    let mut found = Found { date: find_date(profiles, unsure), ..Found::default() };
    if let Some((date, _)) = found.date {
        taken[date] = true;
    }
    let numeric: Vec<bool> = profiles.iter().map(|p| p.is_numeric(numbers)).collect();
    let mut by_name = |words: &[&str], fits: &dyn Fn(usize) -> bool| -> Option<usize> {
        let best = (0..profiles.len())
            .filter(|c| !taken[*c] && !profiles[*c].values.is_empty() && fits(*c))
            .filter_map(|c| Some((fit(&profiles[c].name, words)?, c)))
            .min()?
            .1;
        taken[best] = true;
        Some(best)
    };
    let any = |_: usize| true;
    let number = |c: usize| numeric[c];
    let repeated = |c: usize| profiles[c].distinct > 1 || profiles[c].values.len() < 100;
    found.customer = by_name(CUSTOMER, &|c| repeated(c) && !profiles[c].has_decimals(numbers));
    found.unit_cost = by_name(UNIT_COST, &number);
    found.quantity = by_name(QUANTITY, &number);
    found.price = by_name(PRICE, &number);
    found.amount = by_name(AMOUNT, &number);
    found.order = by_name(ORDER, &|c| !numeric[c] || !profiles[c].has_decimals(numbers));
    found.category = by_name(CATEGORY, &any);
    found.currency = by_name(CURRENCY, &|c| !numeric[c]);
    found.product = by_name(PRODUCT, &any);
    found.country = by_name(COUNTRY, &|c| !numeric[c]);
    found.channel = by_name(CHANNEL, &any);
    found.store = by_name(STORE, &any);
    found.cancelled = by_name(CANCELLED, &any);
    if let (Some(price), None, None) = (found.price, found.quantity, found.amount) {
        // Without a quantity, the price is what was paid.
        (found.amount, found.price) = (Some(price), None);
    }
    if sample.headers.is_none() {
        by_values(profiles, numbers, &numeric, &mut taken, &mut found);
        unsure.push("there is no header: the columns were told apart by their values".to_owned());
    }
    found
}

/// Without names: money has decimals, units are small whole numbers, and the customer comes first.
fn by_values(
    profiles: &[Profile],
    numbers: &NumberFormat,
    numeric: &[bool],
    taken: &mut [bool],
    found: &mut Found,
) {
    let free = |taken: &[bool], fits: &dyn Fn(usize) -> bool| {
        (0..profiles.len()).filter(|c| !taken[*c] && fits(*c)).collect::<Vec<_>>()
    };
    if found.amount.is_none() && found.price.is_none() {
        found.amount = free(taken, &|c| numeric[c] && profiles[c].has_decimals(numbers)).pop();
        if found.amount.is_none() {
            found.amount = free(taken, &|c| numeric[c]).pop();
        }
    }
    found.amount.into_iter().for_each(|c| taken[c] = true);
    if found.customer.is_none() {
        let ids = free(taken, &|c| profiles[c].distinct > 1 && !profiles[c].has_decimals(numbers));
        found.customer = ids.first().copied();
    }
    found.customer.into_iter().for_each(|c| taken[c] = true);
    if found.quantity.is_none() {
        let small = |c: usize| {
            numeric[c]
                && profiles[c].distinct < 100
                && profiles[c].values.iter().all(|v| v.len() <= 4 && !(v.starts_with('0') && v.len() > 1))
        };
        found.quantity = free(taken, &small).first().copied();
    }
}

/// The column that reads as dates throughout, by the format that does.
fn find_date(profiles: &[Profile], unsure: &mut Vec<String>) -> Option<(usize, String)> {
    let formats = date_formats();
    let mut best: Option<(usize, usize, Vec<&str>)> = None;
    for (c, profile) in profiles.iter().enumerate() {
        if profile.values.is_empty() {
            continue;
        }
        let reads = |format: &crate::dates::DateFormat| {
            let plausible =
                |v: &str| format.parse(v.as_bytes()).is_some_and(|m| (0..=29_000).contains(&m.day.0));
            // A cheap look before the whole sample.
            profile.values.iter().take(20).filter(|v| plausible(v)).count() * 2 > profile.values.len().min(20)
                && profile.share(plausible) > 0.98
        };
        let fitting: Vec<&str> = formats.iter().filter(|(_, f)| reads(f)).map(|(p, _)| p.as_str()).collect();
        if fitting.is_empty() {
            continue;
        }
        let rank = fit(&profile.name, DATE).unwrap_or(usize::MAX);
        if best.as_ref().is_none_or(|(r, ..)| rank < *r) {
            best = Some((rank, c, fitting));
        }
    }
    let (_, column, fitting) = best?;
    if fitting.len() > 1 {
        unsure.push(format!(
            "dates such as `{}` read as {} alike; the first is taken",
            profiles[column].example,
            fitting.join(" and as ")
        ));
    }
    Some((column, fitting[0].to_owned()))
}

/// A letter that some order numbers begin with, whose lines are negative.
pub fn cancelled_prefix(sample: &Sample, order: usize, sign: Option<usize>) -> Option<String> {
    let sign = sign?;
    let (mut plain, mut marked, mut negative) = (0usize, 0usize, 0usize);
    let mut prefix: Option<char> = None;
    for row in &sample.rows {
        let (id, value) = (row[order].trim(), row[sign].trim());
        match id.chars().next() {
            Some(c)
                if c.is_ascii_alphabetic()
                    && id[1..].bytes().all(|b| b.is_ascii_digit())
                    && prefix.is_none_or(|p| p == c)
                    && id.len() > 1 =>
            {
                prefix = Some(c);
                marked += 1;
                negative += usize::from(value.starts_with(['-', '(']));
            }
            Some(c) if c.is_ascii_digit() => plain += 1,
            _ => {}
        }
    }
    (plain > marked && marked > 0 && negative * 10 >= marked * 9).then(|| prefix.map(String::from)).flatten()
}
