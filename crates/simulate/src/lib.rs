//! A seeded shop: customers whose rates, lifetimes and spend are known.
//!
//! [`write_shop`] writes the export of a simulated shop, line by line, as a till system would. Every customer buys
//! at a Poisson rate drawn from a gamma distribution, drops out after an order with a probability drawn from
//! a beta distribution (BG/NBD's story), and spends around a mean of their own (Gamma-Gamma's). The
//! months have seasons, products differ in price and popularity, some orders come back as returns, and
//! the export has the dirt that exports have: rows without a customer, cancelled orders, postage lines,
//! zero prices, repeated rows, malformed numbers, a ragged line.

use std::io::{self, Write};

use rand::{Rng, SeedableRng};
use rand_distr::{Beta, Distribution, Exp, Gamma, LogNormal, Poisson};
use rand_xoshiro::Xoshiro256PlusPlus;
use tillwise_core::Day;

/// What the shop is like. Times are in days.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    /// Customers who order at least once.
    pub customers: usize,
    /// First day of the export.
    pub first_day: Day,
    /// Days that it covers.
    pub days: i32,
    /// Shape of the purchase rates.
    pub r: f64,
    /// Rate parameter of the purchase rates, in days.
    pub alpha: f64,
    /// First parameter of the drop-out probabilities.
    pub a: f64,
    /// Second parameter.
    pub b: f64,
    /// Share of rows that are dirty.
    pub dirt: f64,
    /// Where chance begins.
    pub seed: u64,
}

impl Default for Shop {
    fn default() -> Self {
        Shop {
            customers: 4_000,
            first_day: Day(18_993),
            days: 730,
            r: 0.9,
            alpha: 40.0,
            a: 0.8,
            b: 5.0,
            dirt: 0.02,
            seed: 7,
        }
    }
}

/// The header of the export.
pub const HEADER: &str =
    "order_no,ordered_at,customer_id,sku,category,quantity,unit_price,unit_cost,country,channel";

const CATEGORIES: [(&str, f64); 6] = [
    ("Kitchen", 12.0),
    ("Garden", 25.0),
    ("Toys", 9.0),
    ("Stationery", 4.0),
    ("Lighting", 38.0),
    ("Textiles", 18.0),
];
const COUNTRIES: [(&str, f64); 5] = [("DE", 0.55), ("FR", 0.2), ("NL", 0.12), ("AT", 0.08), ("IT", 0.05)];
const CHANNELS: [(&str, f64); 3] = [("web", 0.6), ("store", 0.3), ("phone", 0.1)];
/// How busy each month of the year is.
const SEASON: [f64; 12] = [0.8, 0.75, 0.85, 0.9, 0.95, 0.9, 0.8, 0.8, 0.95, 1.1, 1.5, 1.7];
const PRODUCTS: usize = 400;

struct Product {
    sku: String,
    category: &'static str,
    price_cents: i64,
    cost_cents: i64,
}

struct Order {
    customer: usize,
    day: Day,
    seconds: u32,
    is_return: bool,
}

/// Writes the export; returns the number of rows.
///
/// # Errors
/// If it cannot be written.
pub fn write_shop(shop: &Shop, out: &mut impl Write) -> io::Result<u64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(shop.seed);
    let products = products(&mut rng)?;
    let quantities = Gamma::new(3.0, 0.5).map_err(io::Error::other)?;
    // A customer's mean spend level, inverse gamma as in Gamma-Gamma.
    let levels = Gamma::new(4.0, 1.0).map_err(io::Error::other)?;
    let customers: Vec<(f64, &str, &str)> = (0..shop.customers)
        .map(|_| (3.0 / levels.sample(&mut rng), pick(&COUNTRIES, &mut rng), pick(&CHANNELS, &mut rng)))
        .collect();
    let orders = orders(shop, &mut rng)?;

    writeln!(out, "{HEADER}")?;
    let mut rows = 0;
    for (number, order) in orders.iter().enumerate() {
        let (level, country, channel) = customers[order.customer];
        let lines = 1 + Poisson::new(2.5).map_err(io::Error::other)?.sample(&mut rng) as usize;
        let cancelled = if order.is_return { "C" } else { "" };
        let at = order.day.date().format("%Y-%m-%d");
        let (h, m, s) = (order.seconds / 3600, order.seconds / 60 % 60, order.seconds % 60);
        let head = format!("{cancelled}{},{at} {h:02}:{m:02}:{s:02}", 100_000 + number);
        // Some customers are anonymous: a till that nobody signed in at.
        let customer =
            if rng.gen_bool(shop.dirt) { String::new() } else { format!("{:05}", order.customer + 1) };
        for _ in 0..lines {
            // Popular products come first.
            let product = &products[(PRODUCTS as f64 * rng.r#gen::<f64>().powi(2)) as usize % PRODUCTS];
            let quantity = (level * quantities.sample(&mut rng)).ceil().clamp(1.0, 500.0) as i64;
            let quantity = if order.is_return { -1 } else { quantity };
            let tail = |quantity: &str, price: i64| {
                format!(
                    "{},{},{quantity},{}.{:02},{}.{:02},{country},{channel}",
                    product.sku,
                    product.category,
                    price / 100,
                    price % 100,
                    product.cost_cents / 100,
                    product.cost_cents % 100
                )
            };
            let row = format!("{head},{customer},{}", tail(&quantity.to_string(), product.price_cents));
            let dirt: f64 = rng.r#gen::<f64>() / shop.dirt.max(1e-9);
            rows += 1;
            match dirt {
                d if d < 0.4 => writeln!(out, "{head},{customer},{}", tail(&quantity.to_string(), 0))?,
                d if d < 0.5 => writeln!(out, "{head},{customer},{}", tail("n/a", product.price_cents))?,
                d if d < 0.55 => writeln!(out, "{head},{customer},{},broken", product.sku)?,
                d if d < 1.0 => {
                    writeln!(out, "{row}\n{row}")?;
                    rows += 1;
                }
                _ => writeln!(out, "{row}")?,
            }
        }
        if !order.is_return && channel != "store" && rng.gen_bool(0.15) {
            writeln!(out, "{head},{customer},POST,Postage,1,4.90,4.10,{country},{channel}")?;
            rows += 1;
        }
    }
    Ok(rows)
}

fn products(rng: &mut impl Rng) -> io::Result<Vec<Product>> {
    (0..PRODUCTS)
        .map(|i| {
            let (category, price) = CATEGORIES[i % CATEGORIES.len()];
            let spread: f64 = LogNormal::new(0.0, 0.5).map_err(io::Error::other)?.sample(rng);
            let price_cents = ((price * spread * 100.0) as i64).max(49);
            let share = rng.gen_range(0.45..0.75);
            Ok(Product {
                sku: format!("{}{:04}", &category[..1], 1000 + i * 7),
                category,
                price_cents,
                cost_cents: (price_cents as f64 * share) as i64,
            })
        })
        .collect()
}

/// Every order and return, in the order of time.
fn orders(shop: &Shop, rng: &mut impl Rng) -> io::Result<Vec<Order>> {
    let rates = Gamma::new(shop.r, 1.0 / shop.alpha).map_err(io::Error::other)?;
    let drops = Beta::new(shop.a, shop.b).map_err(io::Error::other)?;
    let span = f64::from(shop.days);
    let busiest = SEASON.iter().copied().fold(0.0, f64::max);
    let mut orders = Vec::new();
    for customer in 0..shop.customers {
        let (rate, drop) = (f64::max(rates.sample(rng), 1e-9), drops.sample(rng));
        let mut t = rng.gen_range(0.0..0.9 * span);
        // Candidates come at the busiest month's rate and are thinned by the season (Lewis & Shedler 1979).
        let waits = Exp::new(rate * busiest).map_err(io::Error::other)?;
        loop {
            let day = shop.first_day + t as i32;
            let seconds = rng.gen_range(8 * 3600..20 * 3600);
            orders.push(Order { customer, day, seconds, is_return: false });
            let back = day + rng.gen_range(2..21);
            if rng.gen_bool(0.04) && back < shop.first_day + shop.days {
                orders.push(Order { customer, day: back, seconds, is_return: true });
            }
            if rng.gen_bool(drop) {
                break;
            }
            loop {
                t += waits.sample(rng);
                let month = (shop.first_day + t.min(span) as i32).month_index().rem_euclid(12) as usize;
                if t >= span || rng.gen_bool(SEASON[month] / busiest) {
                    break;
                }
            }
            if t >= span {
                break;
            }
        }
    }
    orders.sort_by_key(|o| (o.day, o.seconds, o.customer, o.is_return));
    Ok(orders)
}

fn pick<'a>(choices: &[(&'a str, f64)], rng: &mut impl Rng) -> &'a str {
    let mut left: f64 = rng.r#gen();
    for (name, share) in choices {
        left -= share;
        if left < 0.0 {
            return name;
        }
    }
    choices[0].0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_shop() {
        let shop = Shop { customers: 50, ..Shop::default() };
        let write = |shop: &Shop| {
            let mut out = Vec::new();
            let rows = write_shop(shop, &mut out).unwrap();
            assert_eq!(out.iter().filter(|b| **b == b'\n').count() as u64, rows + 1);
            out
        };
        assert_eq!(write(&shop), write(&shop));
        assert_ne!(write(&shop), write(&Shop { seed: 8, ..shop }));
    }
}
