//! Invented people and their things. Telephone numbers are of the range that Ofcom keeps for drama, mail is of domains that
//! cannot be (RFC 2606), hardware addresses are locally administered.

/// Who flies, and what is on the tablet.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) first: &'static str,
    pub(crate) last: &'static str,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) password: String,
    pub(crate) token: String,
    pub(crate) account: String,
    pub(crate) organisation: &'static str,
    /// Of the tablet: its IMEI and its Android ID.
    pub(crate) imei: String,
    pub(crate) android_id: String,
    pub(crate) ssid: String,
    pub(crate) bssid: String,
    /// Of the aircraft.
    pub(crate) serial: String,
    pub(crate) contacts: Vec<(String, String)>,
    pub(crate) calls: Vec<Call>,
    pub(crate) texts: Vec<Call>,
    pub(crate) packages: Vec<&'static str>,
}

/// A call, or a message: with whom, which way, when, how long.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) number: String,
    pub(crate) way: &'static str,
    pub(crate) time: String,
    pub(crate) length: u32,
}

const FIRST: [&str; 12] = [
    "Maren", "Tobias", "Ilse", "Oskar", "Runa", "Casimir", "Leonie", "Anselm", "Tilda", "Bastian", "Svea",
    "Konrad",
];
const LAST: [&str; 12] = [
    "Quillmark",
    "Overstrand",
    "Hallbrook",
    "Winterfjell",
    "Dunmarsh",
    "Askelund",
    "Torrowan",
    "Fennimore",
    "Lindqvarn",
    "Brackwater",
    "Stonehythe",
    "Valdmoor",
];
const ORGANISATIONS: [&str; 3] =
    ["Gridwatch Municipal Power", "Riverbend Water District", "County Bridge Inspection"];
const PACKAGES: [&str; 10] = [
    "com.android.chrome",
    "com.example.bankvault",
    "com.example.birdsong",
    "org.example.prayertimes",
    "com.example.nightshift",
    "net.example.gridticket",
    "com.example.voltmeter",
    "org.example.signalpost",
    "com.example.clinicpass",
    "net.example.unionvote",
];
const WAYS: [&str; 3] = ["incoming", "outgoing", "missed"];

impl Owner {
    /// Somebody whom nobody knows.
    pub(crate) fn new(random: &mut fastrand::Rng) -> Self {
        let first = random.choice(FIRST).unwrap_or("Maren");
        let last = random.choice(LAST).unwrap_or("Quillmark");
        let contacts = (0..5).map(|_| (name(random), drama(random))).collect();
        let mut packages: Vec<&str> = random.choose_multiple(PACKAGES.iter().copied(), 7);
        packages.sort_unstable();
        Self {
            first,
            last,
            email: format!("{}.{}@netzwacht.example", first.to_lowercase(), last.to_lowercase()),
            phone: drama(random),
            password: format!("Heron%{}{}", random.u32(1000..9999), letters(random, 3)),
            token: hex(random, 36),
            account: format!("u{}", random.u64(1_000_000_000..10_000_000_000)),
            organisation: random.choice(ORGANISATIONS).unwrap_or("Gridwatch Municipal Power"),
            imei: imei(random),
            android_id: hex(random, 16),
            ssid: format!("{}-heim-{}", last.to_lowercase(), random.u32(10..99)),
            bssid: mac(random),
            serial: format!("9H7KF{}{}", random.u8(2..9), serial(random)),
            contacts,
            calls: (0..4).map(|_| call(random, random_day, "T08:12:00Z")).collect(),
            texts: (0..4).map(|_| call(random, random_day, "T17:45:00Z")).collect(),
            packages,
        }
    }

    /// Both names.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }

    /// A list of all, a name a line, as `pm list packages` prints it.
    pub(crate) fn package_lines(&self) -> String {
        self.packages.iter().flat_map(|package| ["package:", package, "\n"]).collect()
    }
}

fn name(random: &mut fastrand::Rng) -> String {
    let (first, last) = (random.choice(FIRST), random.choice(LAST));
    format!("{} {}", first.unwrap_or("Maren"), last.unwrap_or("Quillmark"))
}

fn drama(random: &mut fastrand::Rng) -> String {
    format!("+447700900{:03}", random.u32(0..1000))
}

fn random_day(random: &mut fastrand::Rng) -> u32 {
    random.u32(1..9)
}

fn call(random: &mut fastrand::Rng, day: fn(&mut fastrand::Rng) -> u32, time: &str) -> Call {
    Call {
        number: drama(random),
        way: random.choice(WAYS).unwrap_or("missed"),
        time: format!("2026-06-{:02}{time}", day(random)),
        length: random.u32(20..900),
    }
}

fn letters(random: &mut fastrand::Rng, count: usize) -> String {
    (0..count).map(|_| random.alphabetic()).collect()
}

fn hex(random: &mut fastrand::Rng, count: usize) -> String {
    (0..count).filter_map(|_| char::from_digit(random.u32(0..16), 16)).collect()
}

fn mac(random: &mut fastrand::Rng) -> String {
    let rest: Vec<String> = (0..5).map(|_| format!("{:02x}", random.u8(..))).collect();
    format!("02:{}", rest.join(":"))
}

/// Letters and digits of serial numbers: without I and O (ANSI/CTA-2063-A).
const SERIAL: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";

fn serial(random: &mut fastrand::Rng) -> String {
    (0..14).filter_map(|_| random.choice(SERIAL)).map(|letter| char::from(*letter)).collect()
}

/// Fourteen digits and the one that proves them (3GPP TS 23.003 Annex B, ISO/IEC 7812-1).
fn imei(random: &mut fastrand::Rng) -> String {
    let mut digits: Vec<u32> = [0, 0].into_iter().chain((0..12).map(|_| random.u32(0..10))).collect();
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(at, digit)| if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    digits.push((10 - sum % 10) % 10);
    digits.into_iter().filter_map(|digit| char::from_digit(digit, 10)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_made_again_from_a_seed_and_their_numbers_are_well_formed() {
        let of = |seed| Owner::new(&mut fastrand::Rng::with_seed(seed));
        assert_eq!(format!("{:?}", of(1)), format!("{:?}", of(1)));
        let owner = of(2);
        assert_eq!((owner.imei.len(), owner.serial.len(), owner.packages.len()), (15, 20, 7));
        let check: u32 = owner
            .imei
            .chars()
            .rev()
            .enumerate()
            .filter_map(|(at, c)| {
                c.to_digit(10).map(|digit| if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
            })
            .sum();
        assert_eq!(check % 10, 0);
    }
}
