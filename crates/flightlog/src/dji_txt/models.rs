//! Names for the numbers in flight records. Source: the tables of the open parser lvauvillier/dji-log-parser.

/// The model of an aircraft by its number in the details.
pub(super) fn aircraft(number: u8) -> Option<&'static str> {
    let at = MODELS.binary_search_by_key(&number, |(number, _)| *number).ok()?;
    MODELS.get(at).map(|(_, name)| *name)
}

/// Models whose batteries write their serial numbers backwards, a digit in each byte.
pub(super) fn has_digits_backwards(number: u8) -> bool {
    matches!(number, 1 | 9 | 15)
}

/// What an app runs on, or which app it is.
pub(super) fn platform(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "iOS",
        2 => "Android",
        6 => "DJI Fly",
        10 => "Windows",
        11 => "macOS",
        12 => "Linux",
        _ => return None,
    })
}

/// Which app, as versions 13 and later say.
pub(super) fn app(department: u8) -> Option<&'static str> {
    let apps = [
        "DJI SDK",
        "DJI GO",
        "DJI Fly",
        "DJI agriculture",
        "DJI Terra",
        "DJI Goggles",
        "DJI Pilot",
        "GS Pro",
    ];
    apps.get(usize::from(department.checked_sub(1)?)).copied()
}

/// What a firmware is of.
pub(super) fn sender(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "camera",
        3 => "flight controller",
        4 => "gimbal",
        6 => "remote controller",
        11 => "battery",
        _ => return None,
    })
}

/// By number.
const MODELS: &[(u8, &str)] = &[
    (1, "Inspire 1"),
    (2, "Phantom 3 Standard"),
    (3, "Phantom 3 Advanced"),
    (4, "Phantom 3 Professional"),
    (5, "Osmo"),
    (6, "Matrice 100"),
    (7, "Phantom 4"),
    (8, "Lightbridge 2"),
    (9, "Inspire 1 Pro"),
    (10, "A3"),
    (11, "Matrice 600"),
    (12, "Phantom 3 4K"),
    (13, "Mavic Pro"),
    (14, "Zenmuse XT"),
    (15, "Inspire 1 RAW"),
    (16, "A2"),
    (17, "Inspire 2"),
    (18, "Osmo Pro"),
    (19, "Osmo RAW"),
    (20, "Osmo+"),
    (21, "Mavic"),
    (22, "Osmo Mobile"),
    (23, "Orange CV600"),
    (24, "Phantom 4 Pro"),
    (25, "N3"),
    (26, "Spark"),
    (27, "Matrice 600 Pro"),
    (28, "Phantom 4 Advanced"),
    (29, "Phantom 3 SE"),
    (30, "AG405"),
    (31, "Matrice 200"),
    (33, "Matrice 210"),
    (34, "Matrice 210 RTK"),
    (38, "Mavic Air"),
    (42, "Mavic 2"),
    (44, "Phantom 4 Pro V2"),
    (46, "Phantom 4 RTK"),
    (57, "Phantom 4 Multispectral"),
    (58, "Mavic 2 Enterprise"),
    (59, "Mavic Mini"),
    (60, "Matrice 200 V2"),
    (61, "Matrice 210 V2"),
    (62, "Matrice 210 RTK V2"),
    (67, "Mavic Air 2"),
    (70, "Matrice 300 RTK"),
    (73, "FPV"),
    (75, "Air 2S"),
    (76, "Mini 2"),
    (77, "Mavic 3"),
    (96, "Mini SE"),
    (103, "Mini 3 Pro"),
    (111, "Mavic 3 Pro"),
    (113, "Mini 2 SE"),
    (116, "Matrice 30"),
    (118, "Mavic 3 Enterprise"),
    (121, "Avata"),
    (126, "Mini 4 Pro"),
    (152, "Avata 2"),
    (170, "Matrice 350 RTK"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_stand_in_order_and_are_found() {
        assert!(MODELS.is_sorted_by_key(|(number, _)| *number));
        assert_eq!(aircraft(170), Some("Matrice 350 RTK"));
        assert_eq!(aircraft(32), None);
        assert_eq!(app(3), Some("DJI Fly"));
        assert_eq!(app(0), None);
    }
}
