//! The library without files and tables: BG/NBD and Gamma-Gamma on a list of customers, and what the next year is worth.
//!
//! ```text
//! cargo run --release -p tillwise-mine --example value_of_customers < customers.csv
//! ```
//!
//! Each line: repeat order days, days from the first to the last, days from the first to today, mean spend of the repeat days
//! (empty without one). Without any input it takes eight customers of its own.

use std::error::Error;
use std::io::{BufRead, IsTerminal, Write};

use tillwise_mine::clv::{Clv, Input, Model, Settings};

const OWN: &str =
    "0,0,200,\n2,120,210,31\n5,190,240,28\n1,30,260,55\n0,0,150,\n7,220,230,40\n3,60,300,22\n0,0,280,\n";

fn main() -> Result<(), Box<dyn Error>> {
    let stdin = std::io::stdin();
    let mut lines: Vec<String> =
        if stdin.is_terminal() { Vec::new() } else { stdin.lock().lines().collect::<Result<_, _>>()? };
    if lines.is_empty() {
        // The likelihood needs more than a handful to stand on.
        lines = OWN.lines().cycle().take(400).map(str::to_owned).collect();
    }
    let column = |n: usize| -> Result<Vec<f64>, Box<dyn Error>> {
        let cell = |line: &String| match line.split(',').nth(n).map(str::trim) {
            None | Some("") => Ok(f64::NAN),
            Some(text) => text.parse::<f64>(),
        };
        Ok(lines.iter().map(cell).collect::<Result<_, _>>()?)
    };
    let (x, t_x_days, age_days, spend) = (column(0)?, column(1)?, column(2)?, column(3)?);
    let unknown = vec![f64::NAN; x.len()];
    let orders: Vec<f64> = x.iter().map(|x| x + 1.0).collect();
    let input = Input {
        x: &x,
        t_x_days: &t_x_days,
        age_days: &age_days,
        mean_ln_gap_days: &unknown,
        mean_repeat_spend: &spend,
        orders: &orders,
        net_revenue: &orders,
        cost: &unknown,
        groups: &[],
        known: &[],
        occasions: None,
    };
    let (clv, report) = Clv::fit(input, &Settings { model: Model::BgNbd, ..Settings::default() })?;
    let mut out = std::io::stdout().lock();
    for fit in report.fits.iter().flat_map(|f| [&f.orders, &f.spend]).flatten() {
        let parameters: Vec<String> =
            fit.parameters.iter().map(|p| format!("{} {:.3}", p.name, p.value)).collect();
        writeln!(out, "{}: {}", fit.model, parameters.join(", "))?;
    }
    for (i, score) in clv.score(input).iter().take(8).enumerate() {
        writeln!(
            out,
            "customer {}: alive {:.2}, {:.1} orders and {:.0} of value in a year",
            i + 1,
            score.p_alive,
            score.expected_orders,
            score.clv
        )?;
    }
    Ok(())
}
