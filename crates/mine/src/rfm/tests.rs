use super::*;

fn input(values: &[f64]) -> Input<'_> {
    Input { days_since_last: values, orders: values, net_revenue: values }
}

#[test]
fn scores_count_the_quintiles_strictly_below() {
    let values: Vec<f64> = (1..=10).map(f64::from).collect();
    let rfm = Rfm::fit(input(&values), 5, SegmentMap::default()).unwrap();
    // Type-7 quintiles of 1..10.
    for (got, expected) in rfm.orders_breaks.iter().zip([2.8, 4.6, 6.4, 8.2]) {
        assert!((got - expected).abs() < 1e-12);
    }
    let f: Vec<u8> = rfm.score(input(&values)).iter().map(|s| s.f).collect();
    assert_eq!(f, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    let r: Vec<u8> = rfm.score(input(&values)).iter().map(|s| s.r).collect();
    assert_eq!(r, [5, 5, 4, 4, 3, 3, 2, 2, 1, 1], "few days since the last order are best");
}

#[test]
fn equal_values_share_a_score_whatever_their_order() {
    let values = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 9.0];
    let rfm = Rfm::fit(input(&values), 5, SegmentMap::default()).unwrap();
    let scores = rfm.score(input(&values));
    assert!(scores[..7].iter().all(|s| s.f == 1));
    let all_same = [4.0; 6];
    let rfm = Rfm::fit(input(&all_same), 5, SegmentMap::default()).unwrap();
    assert!(rfm.score(input(&all_same)).iter().all(|s| s.to_string() == "511"));
}

#[test]
fn the_default_map_names_every_cell() {
    let map = SegmentMap::default();
    map.check(5).unwrap();
    for r in 1..=5 {
        for f in 1..=5 {
            for m in 1..=5 {
                assert_ne!(map.name(Score { r, f, m }), OTHER);
            }
        }
    }
    assert_eq!(map.name(Score { r: 5, f: 5, m: 1 }), "Champions");
    assert_eq!(map.name(Score { r: 1, f: 5, m: 5 }), "Can't lose");
}

#[test]
fn bad_settings_are_named() {
    let e = Rfm::fit(input(&[1.0]), 1, SegmentMap::default()).unwrap_err().to_string();
    assert_eq!(e, "the parameter `bins` must be within 2 to 9, but is 1");
    let map = SegmentMap(vec![Segment { name: "X".into(), r: [3, 2], f: [1, 5], m: [1, 5] }]);
    assert!(Rfm::fit(input(&[1.0]), 5, map).unwrap_err().to_string().contains("[3, 2] in `X`"));
    assert!(Rfm::fit(input(&[]), 5, SegmentMap::default()).is_err());
}
