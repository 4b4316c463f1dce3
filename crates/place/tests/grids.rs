//! Grids against what others make of the same places: h3 4.5.0, pygeohash 3.5.1, s2sphere 0.2.5, mercantile 1.2.1, openlocationcode 1.0.1,
//! pyproj 3.7.2 (UTM) and mgrs 1.6.0, all from `PyPI`.

use creance_place::grid::{Area, geohash, h3, mgrs, plus_code, s2, tile, utm};
use proptest::prelude::*;

struct Known {
    place: (f64, f64),
    geohash: &'static str,
    plus: &'static str,
    finer: &'static str,
    s2: u64,
    s2_level_15: &'static str,
    h3: u64,
    tile: (u64, u64),
    quadkey: &'static str,
    utm: (u8, f64, f64),
    mgrs: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        place: (24.745_690_9, 121.042_987_2),
        geohash: "wsqhf2uf4",
        plus: "7QP3P2WV+75",
        finer: "7QP3P2WV+75H",
        s2: 0x3468_4837_a5cc_3ba9,
        s2_level_15: "34684837c",
        h3: 0x08a4_ba01_19b4_7fff,
        tile: (54803, 28116),
        quadkey: "1321231222030211",
        utm: (51, 302_088.695, 2_738_204.134),
        mgrs: "51RUH0208838204",
    },
    Known {
        place: (-33.856_784_4, 151.215_296_7),
        geohash: "r3gx2ux9g",
        plus: "4RRH46V8+74",
        finer: "4RRH46V8+74M",
        s2: 0x6b12_ae66_906d_fdb7,
        s2_level_15: "6b12ae66c",
        h3: 0x08ab_e0e3_5c09_7fff,
        tile: (60295, 39325),
        quadkey: "3112301330022313",
        utm: (56, 334_900.234, 6_252_290.478),
        mgrs: "56HLH3490052290",
    },
    Known {
        place: (51.500_729_2, -0.124_625_4),
        geohash: "gcpuvpmm2",
        plus: "9C3XGV2G+74",
        finer: "9C3XGV2G+74X",
        s2: 0x4876_04c4_3f15_a1d9,
        s2_level_15: "487604c44",
        h3: 0x08a1_94ad_14c2_7fff,
        tile: (32745, 21794),
        quadkey: "0313131311301021",
        utm: (30, 699_565.649, 5_709_430.74),
        mgrs: "30UXC9956509430",
    },
    Known {
        place: (60.391_3, 5.322_1),
        geohash: "u4ez91gkv",
        plus: "9FG798RC+GR",
        finer: "9FG798RC+GRH",
        s2: 0x463c_fc02_7945_1847,
        s2_level_15: "463cfc024",
        h3: 0x08a0_9811_0056_ffff,
        tile: (33736, 18888),
        quadkey: "1200201333003000",
        utm: (32, 297_353.933, 6_700_648.345),
        mgrs: "32VKN9735300648",
    },
    Known {
        place: (-0.180_653_2, -78.467_838_2),
        geohash: "6rbnyrj7w",
        plus: "67F3RG9J+PV",
        finer: "67F3RG9J+PVM",
        s2: 0x91d5_907c_4bc3_a7ad,
        s2_level_15: "91d5907c4",
        h3: 0x08a6_6d33_abb0_7fff,
        tile: (18483, 32800),
        quadkey: "2100100000310011",
        utm: (17, 781_857.203, 9_980_012.745),
        mgrs: "17MQV8185780012",
    },
    Known {
        place: (78.223_2, 15.626_7),
        geohash: "umgj58550",
        plus: "CFCQ6JFG+7M",
        finer: "CFCQ6JFG+7MP",
        s2: 0x459c_5328_c003_c583,
        s2_level_15: "459c5328c",
        h3: 0x08a0_153a_16cd_ffff,
        tile: (35612, 9073),
        quadkey: "1020103302231102",
        utm: (33, 514_278.715, 8_683_355.469),
        mgrs: "33XWG1427883355",
    },
    Known {
        place: (64.146_6, -21.942_6),
        geohash: "ge2kuttch",
        plus: "99PW43W4+JX",
        finer: "99PW43W4+JXR",
        s2: 0x48d6_0b2d_9a05_f47d,
        s2_level_15: "48d60b2dc",
        h3: 0x08a0_75dd_4b89_7fff,
        tile: (28773, 17416),
        quadkey: "0311020001102101",
        utm: (27, 454_138.377, 7_113_689.869),
        mgrs: "27WVM5413813689",
    },
    Known {
        place: (22.319_3, 114.169_4),
        geohash: "wecnvzpe7",
        plus: "7PJP8599+PQ",
        finer: "7PJP8599+PQC",
        s2: 0x3404_00c7_c3aa_604d,
        s2_level_15: "340400c7c",
        h3: 0x08a4_11cb_361a_ffff,
        tile: (53551, 28598),
        quadkey: "1321222320321331",
        utm: (50, 208_396.68, 2_470_906.709),
        mgrs: "50QKK0839670906",
    },
    Known {
        place: (-54.801_9, -68.303),
        geohash: "4qr2jxx7b",
        plus: "37QH5MXW+6R",
        finer: "37QH5MXW+6RR",
        s2: 0xbc4c_22de_c333_0fef,
        s2_level_15: "bc4c22dec",
        h3: 0x08ad_f451_7554_7fff,
        tile: (20333, 44744),
        quadkey: "2120333123103101",
        utm: (19, 544_805.097, 3_927_029.885),
        mgrs: "19FEV4480527029",
    },
];

#[test]
fn codes_are_those_that_others_make() {
    for known in KNOWN {
        let (lat, lon) = known.place;
        assert_eq!(geohash::encode(lat, lon, 9).unwrap(), known.geohash);
        assert_eq!(plus_code::encode(lat, lon), known.plus);
        assert_eq!(s2::encode(lat, lon), known.s2, "{:?}", known.place);
        assert_eq!(h3::encode(lat, lon, 10), Some(known.h3));
        assert_eq!(tile::of(lat, lon, 16), known.tile);
        assert_eq!(tile::to_quadkey(lat, lon, 16), known.quadkey);
        let utm = utm::encode(lat, lon);
        let (zone, easting, northing) = known.utm;
        assert_eq!((utm.zone, utm.north), (zone, lat >= 0.0));
        assert!((utm.easting - easting).abs() < 0.002 && (utm.northing - northing).abs() < 0.002, "{utm:?}");
        assert!(known.mgrs.starts_with(&mgrs::square(lat, lon).unwrap()), "{}", known.mgrs);
    }
}

#[test]
fn areas_hold_the_place_whose_code_it_is_and_are_small() {
    for known in KNOWN {
        let (lat, lon) = known.place;
        let areas: [(Option<Area>, f64); 8] = [
            (geohash::decode(known.geohash), 1e-4),
            (plus_code::decode(known.plus), 1e-4),
            (plus_code::decode(known.finer), 1e-4),
            (s2::decode(s2::token(known.s2_level_15).unwrap()), 5e-3),
            (h3::decode(known.h3), 2e-3),
            (tile::area(16, known.tile.0, known.tile.1), 3e-3),
            (tile::quadkey(known.quadkey).and_then(|(z, x, y)| tile::area(z, x, y)), 3e-3),
            (mgrs::decode(known.mgrs), 2e-5),
        ];
        for (index, (area, most)) in areas.into_iter().enumerate() {
            let area = area.unwrap_or_else(|| panic!("{index} {:?}", known.place));
            // MGRS cuts, and half a metre is what a plan of the ground leaves open.
            assert!(area.holds(lat, lon), "{index} {:?} {area:?}", known.place);
            assert!(area.half_lat <= most, "{index} {area:?}");
        }
    }
}

#[test]
fn what_is_no_code_is_none() {
    for code in ["", "8FVC", "8FVC9G8F", "8FVC9G8F+6", "8FVC9G8F+6XX!", "8FVC9G00+6X", "aaaaaaaa+aa"] {
        assert_eq!(plus_code::decode(code), None, "{code}");
    }
    for code in ["51", "51RU", "61RUH", "51IUH1234512345", "51RUH123", "51RUHx1", "é1RUH"] {
        assert_eq!(mgrs::decode(code), None, "{code}");
    }
    assert_eq!(s2::decode(0), None);
    assert_eq!(s2::decode(u64::MAX), None);
    assert_eq!(tile::area(3, 8, 0), None);
    assert_eq!(tile::quadkey("01234"), None);
    assert_eq!(geohash::decode("wsqa"), None);
}

proptest! {
    #[test]
    fn a_code_leads_back_to_where_it_is_from(lat in -79.0..83.0_f64, lon in -179.9..179.9_f64, level in 0..31_u32) {
        let utm = utm::encode(lat, lon);
        let back = utm.decode().unwrap();
        prop_assert!((back.0 - lat).abs() < 1e-7 && (back.1 - lon).abs() < 1e-7, "{utm:?} {back:?}");
        let square = mgrs::square(lat, lon).unwrap();
        let digits = format!("{square}{:05.0}{:05.0}", (utm.easting % 1e5).floor(), (utm.northing % 1e5).floor());
        prop_assert!(mgrs::decode(&digits).unwrap().holds(lat, lon), "{digits}");
        prop_assert!(plus_code::decode(&plus_code::encode(lat, lon)).unwrap().holds(lat, lon));
        prop_assert!(geohash::decode(&geohash::encode(lat, lon, 8).unwrap()).unwrap().holds(lat, lon));
        let leaf = s2::encode(lat, lon);
        let lowest = 1_u64 << (2 * (30 - level));
        let cell = (leaf & !(lowest - 1)) & !lowest | lowest;
        let area = s2::decode(cell).unwrap();
        prop_assert!(level < 4 || area.holds(lat, lon), "{level} {area:?}");
        let (x, y) = tile::of(lat, lon, level);
        let area = tile::area(level, x, y).unwrap();
        prop_assert!((area.lat - lat).abs() <= area.half_lat + 1e-6 && (area.lon - lon).abs() <= area.half_lon + 1e-6);
        for resolution in 5..=15 {
            prop_assert!(h3::decode(h3::encode(lat, lon, resolution).unwrap()).unwrap().holds(lat, lon));
        }
    }

    #[test]
    fn any_text_and_number_is_answered(text in "\\PC{0,20}", number: u64, x: u64, z: u32, lat: f64, lon: f64) {
        let _ = (geohash::decode(&text), plus_code::decode(&text), mgrs::decode(&text), s2::token(&text), tile::quadkey(&text));
        let _ = (s2::decode(number), h3::decode(number), tile::area(z, x, number));
        let _ = (utm::encode(lat, lon).decode(), mgrs::square(lat, lon), plus_code::encode(lat, lon), s2::encode(lat, lon));
        let _ = (geohash::encode(lat, lon, 9), h3::encode(lat, lon, 9), tile::to_quadkey(lat, lon, z));
    }
}
