"""Regular expressions as people write them to look through traffic by hand: shapes, and values under telling names."""
import re

SHAPES = [
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?![\w@])")),
    ("phone", re.compile(r"(?<![\w.])\+[1-9]\d{0,2}[ -]?\d(?:[ -]?\d){7,11}(?![\w.])")),
    ("location", re.compile(r"(?<![\d.])-?[1-8]?\d\.\d{4,}\s*,\s*-?1?\d{1,2}\.\d{4,}(?![\d.])")),
    ("credential", re.compile(r"(?<!\w)eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")),
    ("credential", re.compile(r"(?<!\w)(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)")),
    # Serial numbers of DJI's aircraft as its Remote ID writes them.
    ("serial", re.compile(r"(?<![A-Za-z0-9])1581F[0-9A-Z]{9,15}(?![A-Za-z0-9])")),
    ("network-info", re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])")),
]

IMEI = re.compile(r"(?<!\d)\d{15}(?!\d)")

# name = value, "name": value, name: value. Names are compared without case, hyphens and underscores.
NAMED = re.compile(r"""["']?([A-Za-z][\w.-]{0,40})["']?\s*[=:]\s*["']?((?:[^"'&\r\n,;}\]]|(?<=\d),(?=\s*-?\d)){1,400})""")

NAMES = {
    "email": {"email", "mail", "useremail"},
    "phone": {"phone", "mobile", "tel", "phonenumber", "msisdn", "cell"},
    "credential": {"password", "passwd", "pass", "pwd", "token", "accesstoken", "refreshtoken", "secret", "apikey", "authorization", "session",
                   "sessionid", "sid", "xauthtoken", "authtoken", "pin", "key"},
    "device-id": {"imei", "androidid", "deviceid", "idfa", "gaid", "advertisingid", "udid", "uuid", "serialno"},
    "serial": {"sn", "serial", "serialnumber", "dronesn", "aircraftsn", "devicesn", "flightsn"},
    "person-name": {"name", "fullname", "realname", "firstname", "lastname", "ownername", "pilot", "operator"},
    "account-id": {"userid", "uid", "account", "accountid", "username", "user", "login", "clientid"},
    "network-info": {"ssid", "bssid", "wifi", "mac", "macaddress"},
    "location": {"lat", "latitude", "lon", "lng", "longitude", "gps", "position", "location", "coordinates", "home", "loc", "ll"},
}
CLASSES = {name: data_class for data_class, names in NAMES.items() for name in names}


def search(text: str):
    """(class, value) of all that matches."""
    for data_class, pattern in SHAPES:
        for match in pattern.finditer(text):
            yield data_class, match.group()
    for match in IMEI.finditer(text):
        if _luhn(match.group()):
            yield "device-id", match.group()
    pair: dict[str, str] = {}
    for match in NAMED.finditer(text):
        name, value = match.group(1), match.group(2).strip()
        bare = re.sub(r"[-_.]", "", name).lower()
        data_class = CLASSES.get(bare)
        if data_class == "location":
            number = re.fullmatch(r"-?\d{1,3}\.\d{2,}", value)
            if number and bare.startswith("lat"):
                pair = {"lat": value}
            elif number and bare.startswith(("lon", "lng")) and pair:
                yield "location", f"{pair.pop('lat')},{value}"
            continue
        if data_class and len(value) >= MIN_LENGTH and value.lower() not in EMPTY and not value.startswith(("{", "[")):
            yield data_class, value


MIN_LENGTH = 4
EMPTY = {"null", "none", "true", "false", "undefined", "unknown"}


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0
