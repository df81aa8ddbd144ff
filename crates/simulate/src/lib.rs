//! A seeded shop whose truth is known: customers' rates, lifetimes and spend, what goes together, and when it is bought.
//!
//! [`write_shop`] writes the export of a simulated shop, line by line, as a till system would. Every customer buys
//! at a Poisson rate drawn from a gamma distribution, drops out after an order with a probability drawn from
//! a beta distribution (BG/NBD's story), and spends around a mean of their own (Gamma-Gamma's).
//!
//! What is in an order follows a few rules that analyses should find again:
//!
//! * every customer has two favourite categories, one price tier, one main sales channel, and perhaps a habit: a product of
//!   [`HABITS`] that most of their orders hold;
//! * [`COMPANIONS`] go together: whoever takes the first often takes the second, of the same tier;
//! * categories have seasons: garden in spring, toys and lighting before Christmas;
//! * some customers move up one price tier after their third order;
//! * some orders come back as returns of what was bought.
//!
//! The export has the dirt that exports have: rows without a customer, cancelled orders, postage lines, zero prices, repeated
//! rows, malformed numbers, a ragged line.

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
    "order_no,ordered_at,customer_id,sku,product_name,category,quantity,unit_price,unit_cost,country,channel";

/// A category: its name, its mean price, its things with the most popular first, and how much it is asked for in each month.
struct Category {
    name: &'static str,
    price: f64,
    things: [&'static str; 12],
    season: [f64; 12],
}

const CATEGORIES: [Category; 6] = [
    Category {
        name: "Kitchen",
        price: 12.0,
        things: [
            "Kettle", "Teapot", "Coffee filters", "Tea cups", "Bread box", "Chopping board", "Salad bowl",
            "Egg timer", "Cake tin", "Rolling pin", "Pepper mill", "Sieve",
        ],
        season: [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.9, 1.0, 1.0, 1.1, 1.3],
    },
    Category {
        name: "Garden",
        price: 18.0,
        things: [
            "Plant pot", "Watering can", "Flower seeds", "Bird table", "Garden gloves", "Trowel", "Hose",
            "Garden chair", "Lantern", "Secateurs", "Rain gauge", "Wheelbarrow",
        ],
        season: [0.4, 0.6, 1.3, 1.8, 1.8, 1.4, 1.0, 0.9, 0.8, 0.6, 0.4, 0.4],
    },
    Category {
        name: "Toys",
        price: 9.0,
        things: [
            "Puzzle", "Building blocks", "Modelling clay", "Card game", "Spinning top", "Kite", "Doll",
            "Wooden train", "Train tracks", "Skipping rope", "Toy drum", "Marbles",
        ],
        season: [0.6, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9, 1.1, 2.0, 2.2],
    },
    Category {
        name: "Stationery",
        price: 5.0,
        things: [
            "Notebook", "Fountain pen", "Ink", "Pencil case", "Greeting cards", "Gift wrap", "Stapler",
            "Desk tidy", "Ruler set", "Sealing wax", "Bookmarks", "Wall calendar",
        ],
        season: [1.1, 0.9, 0.9, 0.9, 0.9, 0.9, 1.0, 1.5, 1.3, 0.9, 1.0, 1.3],
    },
    Category {
        name: "Lighting",
        price: 26.0,
        things: [
            "Table lamp", "Light bulbs", "Candles", "Fairy lights", "Lamp shade", "Night light",
            "Floor lamp", "Torch", "Desk lamp", "Wall light", "Candle holder", "Oil lamp",
        ],
        season: [1.1, 1.0, 0.9, 0.8, 0.7, 0.6, 0.6, 0.7, 0.9, 1.3, 1.8, 1.6],
    },
    Category {
        name: "Textiles",
        price: 16.0,
        things: [
            "Cushion", "Cushion cover", "Blanket", "Tea towels", "Bath towels", "Table cloth", "Napkins",
            "Door mat", "Curtains", "Apron", "Bed linen", "Rug",
        ],
        season: [1.2, 1.0, 0.9, 0.9, 0.9, 0.8, 0.8, 0.9, 1.1, 1.2, 1.2, 1.1],
    },
];

/// What goes together: whoever takes the first takes the second, of the same tier, with this probability.
pub const COMPANIONS: [(&str, &str, f64); 8] = [
    ("Kettle", "Teapot", 0.35),
    ("Teapot", "Tea cups", 0.45),
    ("Plant pot", "Flower seeds", 0.4),
    ("Fountain pen", "Ink", 0.6),
    ("Table lamp", "Light bulbs", 0.5),
    ("Cushion", "Cushion cover", 0.5),
    ("Wooden train", "Train tracks", 0.7),
    ("Candle holder", "Candles", 0.7),
];

/// What some customers buy again and again.
pub const HABITS: [&str; 4] = ["Coffee filters", "Ink", "Light bulbs", "Candles"];

/// Price tiers: their names, their prices relative to the middle one, and the share of customers who begin there.
pub const TIERS: [(&str, f64, f64); 3] = [("Basic", 0.7, 0.4), ("Classic", 1.0, 0.4), ("Premium", 1.6, 0.2)];

/// The share of customers who move up one tier after their third order.
pub const MOVERS: f64 = 0.25;
/// The share of customers with a habit, and of their orders that hold it.
const HABIT: (f64, f64) = (0.5, 0.6);
/// The share of orders through the customer's main channel.
const LOYAL_TO_CHANNEL: f64 = 0.85;
/// The share of lines from the two favourite categories.
const FAVOURITES: f64 = 0.75;

const COUNTRIES: [(&str, f64); 5] = [("DE", 0.55), ("FR", 0.2), ("NL", 0.12), ("AT", 0.08), ("IT", 0.05)];
const CHANNELS: [(&str, f64); 3] = [("web", 0.6), ("store", 0.3), ("phone", 0.1)];
/// How busy each month of the year is; about 1 in the mean.
const SEASON: [f64; 12] = [0.92, 0.9, 0.95, 1.0, 1.0, 0.97, 0.92, 0.92, 1.0, 1.05, 1.15, 1.22];
const THINGS: usize = 12;

struct Product {
    sku: String,
    name: String,
    category: usize,
    price_cents: i64,
    cost_cents: i64,
}

struct Order {
    customer: usize,
    day: Day,
    seconds: u32,
    is_return: bool,
}

/// What a customer is like, beside their rate and lifetime.
struct Customer {
    level: f64,
    country: &'static str,
    channel: &'static str,
    favourites: [usize; 2],
    tier: usize,
    moves_up: bool,
    habit: Option<&'static str>,
    orders: u32,
    /// What could be taken back.
    last_bought: Option<usize>,
}

impl Customer {
    fn new(rng: &mut impl Rng, levels: &Gamma<f64>) -> Customer {
        let first = rng.gen_range(0..CATEGORIES.len());
        let second = (first + rng.gen_range(1..CATEGORIES.len())) % CATEGORIES.len();
        Customer {
            // A customer's mean spend level, inverse gamma as in Gamma-Gamma.
            level: 3.0 / levels.sample(rng),
            country: pick(&COUNTRIES, rng),
            channel: pick(&CHANNELS, rng),
            favourites: [first, second],
            tier: pick_index(TIERS.iter().map(|t| t.2), rng),
            moves_up: rng.gen_bool(MOVERS),
            habit: rng.gen_bool(HABIT.0).then(|| HABITS[rng.gen_range(0..HABITS.len())]),
            orders: 0,
            last_bought: None,
        }
    }

    /// The products of the customer's next order.
    fn order(&mut self, month: usize, products: &Products, rng: &mut impl Rng) -> io::Result<Vec<usize>> {
        self.orders += 1;
        if self.moves_up && self.orders == 4 {
            self.tier = (self.tier + 1).min(TIERS.len() - 1);
        }
        let mut taken: Vec<(usize, &str)> = Vec::new();
        if let Some(habit) = self.habit.filter(|_| rng.gen_bool(HABIT.1)) {
            taken.push((self.tier, habit));
        }
        let more = Poisson::new(1.0).map_err(io::Error::other)?.sample(rng) as usize;
        for _ in 0..more + usize::from(taken.is_empty()) {
            let weight = |c: usize| {
                let own = if self.favourites.contains(&c) {
                    FAVOURITES / 2.0
                } else {
                    (1.0 - FAVOURITES) / (CATEGORIES.len() - 2) as f64
                };
                own * CATEGORIES[c].season[month]
            };
            let category = &CATEGORIES[pick_index((0..CATEGORIES.len()).map(weight), rng)];
            // Popular things come first.
            let thing = pick_index((0..THINGS).map(|i| 1.0 / (i + 1) as f64), rng);
            let tier = if rng.gen_bool(0.85) { self.tier } else { rng.gen_range(0..TIERS.len()) };
            taken.push((tier, category.things[thing]));
        }
        // Companions come one after the other: a kettle brings a teapot, and that brings cups.
        let mut at = 0;
        while at < taken.len() {
            let (tier, thing) = taken[at];
            for (_, with, share) in COMPANIONS.iter().filter(|(first, _, _)| *first == thing) {
                if !taken.iter().any(|(_, t)| t == with) && rng.gen_bool(*share) {
                    taken.push((tier, with));
                }
            }
            at += 1;
        }
        let mut bought: Vec<usize> =
            taken.iter().map(|(tier, thing)| products.number(*tier, thing)).collect();
        bought.sort_unstable();
        bought.dedup();
        self.last_bought = bought.first().copied();
        Ok(bought)
    }
}

/// All products: for each category and thing, one of each tier.
struct Products(Vec<Product>);

impl Products {
    fn new(rng: &mut impl Rng) -> io::Result<Products> {
        let spread = LogNormal::new(0.0, 0.35).map_err(io::Error::other)?;
        let mut all = Vec::new();
        for (number, category) in CATEGORIES.iter().enumerate() {
            for (i, thing) in category.things.iter().enumerate() {
                let of_thing: f64 = spread.sample(rng);
                let share = rng.gen_range(0.45..0.7);
                for (tier, (tier_name, factor, _)) in TIERS.iter().enumerate() {
                    let price_cents = ((category.price * of_thing * factor * 100.0) as i64).max(49);
                    all.push(Product {
                        sku: format!("{}{:04}", category.name[..2].to_uppercase(), 1000 + 10 * i + tier),
                        name: format!("{thing} {tier_name}"),
                        category: number,
                        price_cents,
                        cost_cents: (price_cents as f64 * share) as i64,
                    });
                }
            }
        }
        Ok(Products(all))
    }

    fn number(&self, tier: usize, thing: &str) -> usize {
        let place = |c: &Category| c.things.iter().position(|t| *t == thing);
        let found = CATEGORIES.iter().enumerate().find_map(|(c, category)| Some((c, place(category)?)));
        let (category, at) = found.unwrap_or_default();
        (category * THINGS + at) * TIERS.len() + tier
    }
}

/// Writes the export; returns the number of rows.
///
/// # Errors
/// If it cannot be written.
pub fn write_shop(shop: &Shop, out: &mut impl Write) -> io::Result<u64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(shop.seed);
    let products = Products::new(&mut rng)?;
    let quantities = Gamma::new(3.0, 0.5).map_err(io::Error::other)?;
    let levels = Gamma::new(4.0, 1.0).map_err(io::Error::other)?;
    let mut customers: Vec<Customer> =
        (0..shop.customers).map(|_| Customer::new(&mut rng, &levels)).collect();
    let orders = orders(shop, &mut rng)?;

    writeln!(out, "{HEADER}")?;
    let mut rows = 0;
    for (number, order) in orders.iter().enumerate() {
        let customer = &mut customers[order.customer];
        let month = order.day.month_index().rem_euclid(12) as usize;
        let bought = if order.is_return {
            customer.last_bought.take().into_iter().collect()
        } else {
            customer.order(month, &products, &mut rng)?
        };
        let channel =
            if rng.gen_bool(LOYAL_TO_CHANNEL) { customer.channel } else { pick(&CHANNELS, &mut rng) };
        let (level, country) = (customer.level, customer.country);
        let cancelled = if order.is_return { "C" } else { "" };
        let at = order.day.date().format("%Y-%m-%d");
        let (h, m, s) = (order.seconds / 3600, order.seconds / 60 % 60, order.seconds % 60);
        let head = format!("{cancelled}{},{at} {h:02}:{m:02}:{s:02}", 100_000 + number);
        // Some customers are anonymous: a till that nobody signed in at.
        let id = if rng.gen_bool(shop.dirt) { String::new() } else { format!("{:05}", order.customer + 1) };
        for product in bought.into_iter().map(|p| &products.0[p]) {
            let quantity = (level * quantities.sample(&mut rng)).ceil().clamp(1.0, 500.0) as i64;
            let quantity = if order.is_return { -1 } else { quantity };
            let tail = |quantity: &str, price: i64| {
                format!(
                    "{},{},{},{quantity},{}.{:02},{}.{:02},{country},{channel}",
                    product.sku,
                    product.name,
                    CATEGORIES[product.category].name,
                    price / 100,
                    price % 100,
                    product.cost_cents / 100,
                    product.cost_cents % 100
                )
            };
            let row = format!("{head},{id},{}", tail(&quantity.to_string(), product.price_cents));
            let dirt: f64 = rng.r#gen::<f64>() / shop.dirt.max(1e-9);
            rows += 1;
            match dirt {
                d if d < 0.4 => writeln!(out, "{head},{id},{}", tail(&quantity.to_string(), 0))?,
                d if d < 0.5 => writeln!(out, "{head},{id},{}", tail("n/a", product.price_cents))?,
                d if d < 0.55 => writeln!(out, "{head},{id},{},broken", product.sku)?,
                d if d < 1.0 => {
                    writeln!(out, "{row}\n{row}")?;
                    rows += 1;
                }
                _ => writeln!(out, "{row}")?,
            }
        }
        if !order.is_return && channel != "store" && rng.gen_bool(0.15) {
            writeln!(out, "{head},{id},POST,Postage,Postage,1,4.90,4.10,{country},{channel}")?;
            rows += 1;
        }
    }
    Ok(rows)
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
        let mut t = rng.gen_range(0.0..0.98 * span);
        // Candidates come at the busiest month's rate and are thinned by the season (Lewis & Shedler 1979).
        let waits = Exp::new(rate * busiest).map_err(io::Error::other)?;
        let mut is_repeat = false;
        loop {
            let day = shop.first_day + t as i32;
            let seconds = rng.gen_range(8 * 3600..20 * 3600);
            orders.push(Order { customer, day, seconds, is_return: false });
            let back = day + rng.gen_range(2..21);
            if rng.gen_bool(0.04) && back < shop.first_day + shop.days {
                orders.push(Order { customer, day: back, seconds, is_return: true });
            }
            // Nobody drops out before the first repeat order: so says BG/NBD.
            if is_repeat && rng.gen_bool(drop) {
                break;
            }
            is_repeat = true;
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

fn pick(choices: &[(&'static str, f64)], rng: &mut impl Rng) -> &'static str {
    choices[pick_index(choices.iter().map(|c| c.1), rng)].0
}

/// One of several by their weights.
fn pick_index(weights: impl Iterator<Item = f64> + Clone, rng: &mut impl Rng) -> usize {
    let mut left: f64 = rng.r#gen::<f64>() * weights.clone().sum::<f64>();
    for (i, weight) in weights.enumerate() {
        left -= weight;
        if left < 0.0 {
            return i;
        }
    }
    0
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
