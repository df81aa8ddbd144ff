//! Polars against the reference engine.

use tillwise_core::{PurchasesRequest, SummaryRequest};
use tillwise_engine_polars::PolarsEngine;
use tillwise_simulate::Shop;
use tillwise_testkit::check_engine;

use crate::support::Scene;

fn ingested() -> Scene {
    let scene = Scene::with_shop(&Shop { customers: 300, ..Shop::default() });
    let init = scene.tillwise(&["init", "orders.csv"]);
    assert_eq!(init.code, 0, "{}", init.stderr);
    scene.done(&["ingest"]);
    scene
}

fn requests(scene: &Scene) -> Vec<SummaryRequest> {
    let day = |d: &str| d.parse().unwrap();
    let request = |as_of: &str, label: Option<&str>, active, name: &str| SummaryRequest {
        as_of: day(as_of),
        label_until: label.map(day),
        occasion_days: label.map(|_| 30),
        daily: Some(scene.path(&format!("daily-{name}"))),
        active_within_days: active,
        only: None,
        out: scene.path(name),
    };
    vec![
        request("2023-12-31", None, None, "last.parquet"),
        request("2023-06-30", Some("2023-09-28"), Some(180), "labelled.parquet"),
        request("2022-01-03", Some("2022-04-03"), None, "early.parquet"),
        request("2021-12-31", None, None, "nobody.parquet"),
        SummaryRequest {
            only: Some(vec!["customer_id", "orders", "net_revenue", "top_country"]),
            ..request("2023-03-31", None, None, "few.parquet")
        },
    ]
}

fn purchases(scene: &Scene, as_of: &str) -> PurchasesRequest {
    PurchasesRequest { as_of: as_of.parse().unwrap(), folder: scene.path("") }
}

#[test]
fn polars_equals_the_reference_with_returns_netted_and_apart() {
    let scene = ingested();
    for net_returns in [true, false] {
        check_engine(
            &PolarsEngine::default(),
            &scene.path("out/stages/ingest/transactions"),
            net_returns,
            &requests(&scene),
            Some(&purchases(&scene, "2023-06-30")),
        )
        .unwrap();
    }
}

#[test]
fn polars_equals_the_reference_when_it_spills() {
    let scene = ingested();
    // A megabyte cuts even this shop into several ranges.
    let engine = PolarsEngine { memory_limit: Some(1) };
    let folder = scene.path("out/stages/ingest/transactions");
    let purchases = purchases(&scene, "2023-12-31");
    check_engine(&engine, &folder, true, &requests(&scene), Some(&purchases)).unwrap();
}

/// Months in which all customers are of the first range are grouped without a range, others with one.
#[test]
fn ranges_that_begin_in_different_months_are_put_together() {
    let scene = Scene::new();
    let mut text = "customer_id,order_id,order_date,amount\n".to_owned();
    for i in 0..6_000 {
        // 16 months: in the first four, which are spilled together, only customers whose ids come first.
        let month = i / 375;
        let first = if month < 4 || i % 4 == 0 { 'a' } else { 'z' };
        let (year, month) = (2022 + month / 12, 1 + month % 12);
        text += &format!("{first}{:03},o{i},{year}-{month:02}-{:02},5\n", i % 150, 1 + i % 28);
    }
    scene.write("orders.csv", text);
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    scene.done(&["ingest"]);
    let engine = PolarsEngine { memory_limit: Some(2 << 20) };
    let folder = scene.path("out/stages/ingest/transactions");
    check_engine(&engine, &folder, true, &requests(&scene), None).unwrap();
}

#[test]
fn orders_over_two_days_and_ties_follow_the_definitions() {
    let scene = Scene::new();
    scene.write(
        "orders.csv",
        "customer_id,order_id,order_date,sku,quantity,unit_price,country\n\
         a,1,2023-01-30,p,1,2.00,FR\n\
         a,1,2023-02-02,q,1,3.00,DE\n\
         a,2,2023-02-02,p,2,0.0005,DE\n\
         b,1,2023-02-01,p,1,5.00,FR\n\
         a,1,2023-01-29,r,1,1.25,FR\n\
         a,3,2023-03-01,q,-1,3.00,DE\n\
         c,9,2023-02-05,q,-1,3.00,DE\n\
         b,1,2023-02-01,,1,5.00,\n",
    );
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    scene.done(&["ingest"]);
    let folder = scene.path("out/stages/ingest/transactions");
    let at = |as_of: &str| SummaryRequest {
        as_of: as_of.parse().unwrap(),
        label_until: Some("2023-03-31".parse().unwrap()),
        occasion_days: Some(2),
        daily: Some(scene.path(&format!("daily-{as_of}.parquet"))),
        active_within_days: None,
        only: None,
        out: scene.path(&format!("{as_of}.parquet")),
    };
    check_engine(
        &PolarsEngine::default(),
        &folder,
        true,
        &[at("2023-01-29"), at("2023-02-02"), at("2023-03-31")],
        Some(&purchases(&scene, "2023-03-31")),
    )
    .unwrap();
    // Customer a: order 1 from the 29th, order 2, and the credit note 3; customer b: order 1. Customer c only returned.
    let orders = scene.table("orders.parquet");
    assert_eq!(orders.i32s("customer").unwrap(), [0, 0, 0, 1]);
    assert_eq!(orders.i32s("sales").unwrap(), [3, 1, 0, 2]);
    assert_eq!(orders.texts("country").unwrap(), ["FR", "DE", "DE", "FR"]);
    let purchases = scene.table("purchases.parquet");
    assert_eq!(purchases.i32s("order").unwrap(), [0, 0, 0, 1, 2, 3, 3]);
    assert_eq!(purchases.i32s("product").unwrap(), [0, 1, 2, 0, 1, 0, -1]);
    assert_eq!(purchases.i64s("returned_e4").unwrap(), [0, 0, 0, 0, 30_000, 0, 0]);

    let table = scene.table("2023-03-31.parquet");
    assert_eq!(table.texts("customer_id").unwrap(), ["a", "b"]);
    assert_eq!(table.f64s("orders").unwrap(), [2.0, 1.0]);
    assert_eq!(table.f64s("net_revenue").unwrap(), [3.251, 10.0]);
    assert_eq!(table.f64s("distinct_products").unwrap(), [3.0, 1.0]);
    // Order days 01-29 and 02-02: four days later is the second occasion of two days, of thirty in all.
    assert_eq!(table.f64s("x_occasions").unwrap(), [1.0, 0.0]);
    assert_eq!(table.f64s("t_x_occasions").unwrap(), [2.0, 0.0]);
    assert_eq!(table.f64s("occasions").unwrap(), [30.0, 29.0]);
    let daily = scene.table("daily-2023-01-29.parquet");
    assert_eq!(daily.f64s("first_order_days").unwrap(), [1.0, 0.0]);
    assert_eq!(daily.f64s("repeat_order_days").unwrap(), [0.0, 1.0]);
    assert_eq!(scene.table("2023-01-29.parquet").f64s("order_days_in_horizon").unwrap(), [1.0]);
    // Two lines each: the bytewise smaller one.
    assert_eq!(table.texts("top_country").unwrap(), ["DE", "FR"]);
}
