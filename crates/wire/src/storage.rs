//! Object stores: whose store a request goes to, which bucket, region and object, and under which credential.
//!
//! Told by the host where the provider's own names are used, else by the shape of the signature, which compatible stores
//! share: AWS Signature Version 4, Aliyun OSS V1 and V4, Tencent COS, Huawei OBS, Qiniu upload tokens, Azure shared keys.
//! A form that a browser posts carries the name of the object and who signed as fields of its own.

use std::borrow::Cow;

use creance_model::{Field, Parts, Value};
use data_encoding::{BASE64URL, BASE64URL_NOPAD};

use crate::{body::percent, http::Head};

/// Where an object is put or taken from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Stored {
    pub(crate) provider: &'static str,
    pub(crate) bucket: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) object: Option<String>,
    /// The public half of the key that signed.
    pub(crate) credential: Option<String>,
}

/// The value of a query parameter, percent signs undone.
pub(crate) fn parameter(target: &str, name: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        key.eq_ignore_ascii_case(name)
            .then(|| String::from_utf8_lossy(&percent(value.as_bytes())).into_owned())
    })
}

/// The path of a target, percent signs undone, without its first slash.
pub(crate) fn path(target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default().trim_start_matches('/');
    // A plus is itself in a path.
    String::from_utf8_lossy(&percent(path.replace('+', "%2B").as_bytes())).into_owned()
}

/// What a request says of the store that it goes to: its head, and its body if that is a form.
pub(crate) fn describe(host: &str, head: &Head<'_>, parts: Option<&Parts>) -> Option<Stored> {
    let target = head.target?;
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let authorization = head.header("authorization").unwrap_or_default();
    let form = Form(parts);
    let mut stored = by_host(&host, target)
        .or_else(|| by_signature(&authorization, target))
        .or_else(|| form.by_signature(target))?;
    signature(&authorization, target, &mut stored);
    form.fill(&mut stored);
    Some(stored)
}

/// The fields of a form with a file (POST Object; Kodo's only way without parts).
struct Form<'a>(Option<&'a Parts>);

impl Form<'_> {
    /// A field, whatever the case of its name.
    fn field(&self, name: &str) -> Option<String> {
        let found = self
            .0?
            .iter()
            .find(|part| part.step_of("multipart").is_some_and(|known| known.eq_ignore_ascii_case(name)))?;
        let bytes = found.bytes();
        some(&String::from_utf8_lossy(bytes.get(..LONGEST_FIELD).unwrap_or(bytes)))
    }

    /// The name that the file had.
    fn file(&self) -> Option<String> {
        let found = self.0?.named("multipart-filename").next()?;
        let name = String::from_utf8_lossy(found.bytes()).into_owned();
        name.rsplit(['/', '\\']).next().and_then(some)
    }

    /// Stores under other names. The bucket stands in the path, or in front of the host, where it is not told apart.
    fn by_signature(&self, target: &str) -> Option<Stored> {
        let within = |name, end| self.field(name).is_some_and(|scope| scope.contains(end));
        let signed = |id, by| self.field(id).is_some() && self.field(by).is_some();
        let provider = if within("x-amz-credential", "/s3/aws4_request")
            || signed("AWSAccessKeyId", "signature")
        {
            "s3"
        } else if within("x-oss-credential", "/oss/aliyun_v4_request")
            || signed("OSSAccessKeyId", "signature")
        {
            "oss"
        } else if signed("q-ak", "q-signature") {
            "cos"
        } else if self.field("key").is_some() && self.field("token").as_deref().and_then(scope).is_some() {
            "kodo"
        } else {
            return None;
        };
        let path = path(target);
        let bucket = path.split('/').next().and_then(some).filter(|_| provider != "kodo");
        Some(Stored { provider, bucket, ..Stored::default() })
    }

    fn fill(&self, stored: &mut Stored) {
        if stored.object.is_none() {
            let file = self.file().unwrap_or_default();
            stored.object = self.field("key").map(|key| key.replace("${filename}", &file));
        }
        if stored.credential.is_some() {
            return;
        }
        if let Some(scope) = self.field("x-amz-credential").or_else(|| self.field("x-oss-credential")) {
            stored.scoped(&scope);
        } else if let Some(token) = self.field("token").filter(|_| stored.provider == "kodo") {
            stored.allowed(&token);
        } else {
            let ids = ["OSSAccessKeyId", "AWSAccessKeyId", "AccessKeyId", "q-ak"];
            stored.credential = ids.iter().find_map(|name| self.field(name));
        }
    }
}

/// Names of objects have up to 1024 bytes, tokens with a policy a few times as many.
const LONGEST_FIELD: usize = 16 << 10;

/// What an upload token of Kodo (`access key:signature:policy`) allows: a bucket, or a bucket and a key.
fn scope(token: &str) -> Option<String> {
    let policy = token.split(':').nth(2)?;
    let policy = BASE64URL.decode(policy.as_bytes()).or_else(|_| BASE64URL_NOPAD.decode(policy.as_bytes()));
    // The policy is JSON with `scope`.
    let text = String::from_utf8_lossy(&policy.ok()?).into_owned();
    let rest = text.split_once("\"scope\"")?.1.split_once('"')?.1;
    rest.split('"').next().map(str::to_owned)
}

/// The providers' own names.
fn by_host(host: &str, target: &str) -> Option<Stored> {
    let path = path(target);
    let in_path = || match path.split_once('/') {
        Some((bucket, object)) => (some(bucket), some(object)),
        None => (some(&path), None),
    };
    let stored = |provider, bucket: Option<&str>, region: Option<&str>| {
        let (bucket, object) = match bucket {
            Some(bucket) => (some(bucket), some(&path)),
            None => in_path(),
        };
        Some(Stored { provider, bucket, region: region.and_then(some), object, credential: None })
    };
    let labels: Vec<&str> = host.split('.').collect();
    // The label that names the service, and what stands before it.
    let service = |name: &str| {
        let at = labels.iter().position(|label| {
            *label == name || label.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
        })?;
        let bucket = host.split(&format!(".{name}")).next().filter(|_| at > 0);
        let own = labels.get(at)?.strip_prefix(name)?.strip_prefix('-');
        Some((bucket, own.or_else(|| labels.get(at + 1).copied())))
    };
    if host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") {
        let (bucket, region) = service("s3")?;
        return stored("s3", bucket, region.filter(|region| *region != "amazonaws"));
    }
    if host.ends_with(".aliyuncs.com") {
        let (bucket, region) = service("oss")?;
        let region = region.map(|region| region.strip_suffix("-internal").unwrap_or(region));
        return stored("oss", bucket, region);
    }
    if host.ends_with(".myqcloud.com") || host.ends_with(".tencentcos.cn") {
        let (bucket, region) = service("cos")?;
        return stored("cos", bucket, region);
    }
    if host.ends_with(".myhuaweicloud.com") || host.ends_with(".myhuaweicloud.cn") {
        let (bucket, region) = service("obs")?;
        return stored("obs", bucket, region);
    }
    if host.ends_with(".blob.core.windows.net") || host.ends_with(".blob.core.chinacloudapi.cn") {
        let (account, (container, object)) = (labels.first()?, in_path());
        let bucket = container.map(|container| format!("{account}/{container}"));
        return Some(Stored { provider: "azure", bucket, object, ..Stored::default() });
    }
    if host == "storage.googleapis.com" || host.ends_with(".storage.googleapis.com") {
        if let Some((_, rest)) = path.split_once("storage/v1/b/") {
            let (bucket, object) = rest.split_once("/o").unwrap_or((rest, ""));
            let object = parameter(target, "name").or_else(|| some(object.trim_start_matches('/')));
            return Some(Stored { provider: "gcs", bucket: some(bucket), object, ..Stored::default() });
        }
        return stored("gcs", host.strip_suffix(".storage.googleapis.com"), None);
    }
    if host.ends_with(".qiniup.com") || host.ends_with(".qbox.me") {
        let region = labels.first()?.split_once('-').map(|(_, region)| region);
        let mut found = Stored { provider: "kodo", region: region.and_then(some), ..Stored::default() };
        let segments: Vec<&str> = path.split('/').collect();
        let name = |object: &str| {
            let name = BASE64URL.decode(object.as_bytes()).ok()?;
            Some(String::from_utf8_lossy(&name).into_owned())
        };
        match segments.as_slice() {
            ["buckets", bucket, "objects", object, ..] => {
                found.bucket = some(bucket);
                found.object = name(object);
            }
            // Pairs of a name and a value.
            ["mkfile", _, rest @ ..] => {
                let key = rest.chunks_exact(2).find(|pair| pair.first() == Some(&"key"));
                found.object = key.and_then(|pair| name(pair.get(1)?));
            }
            _ => {}
        }
        return Some(found);
    }
    None
}

/// Stores under other names, by how the request is signed. Bucket and object stand in the path.
fn by_signature(authorization: &str, target: &str) -> Option<Stored> {
    let signed = |name| parameter(target, name).is_some();
    let provider = if authorization.starts_with("AWS4-HMAC-SHA256")
        && authorization.contains("/s3/aws4_request")
        || parameter(target, "X-Amz-Credential").is_some_and(|scope| scope.contains("/s3/aws4_request"))
    {
        "s3"
    } else if authorization.starts_with("OSS ")
        || authorization.starts_with("OSS4-HMAC-SHA256")
        || signed("OSSAccessKeyId")
    {
        "oss"
    } else if authorization.starts_with("OBS ") {
        "obs"
    } else if authorization.starts_with("q-sign-algorithm=") {
        "cos"
    } else if authorization.starts_with("UpToken ") {
        "kodo"
    } else {
        return None;
    };
    let path = path(target);
    let (bucket, object) = path.split_once('/').unwrap_or((&path, ""));
    let in_path = matches!(provider, "s3" | "oss");
    Some(Stored {
        provider,
        bucket: some(bucket).filter(|_| in_path),
        object: if in_path { some(object) } else { some(&path) },
        ..Stored::default()
    })
}

/// Who signed, and for which region.
fn signature(authorization: &str, target: &str, stored: &mut Stored) {
    let scope = authorization
        .split_once("Credential=")
        .map(|(_, rest)| Cow::Borrowed(rest.split([',', ' ']).next().unwrap_or_default()))
        .or_else(|| parameter(target, "X-Amz-Credential").map(Cow::Owned))
        .or_else(|| parameter(target, "x-oss-credential").map(Cow::Owned));
    if let Some(scope) = scope {
        return stored.scoped(&scope);
    }
    let simple =
        ["OSS ", "OBS ", "AWS ", "SharedKey "].iter().find_map(|kind| authorization.strip_prefix(kind));
    if let Some((id, _)) = simple.and_then(|rest| rest.split_once(':')) {
        stored.credential = some(id);
    } else if let Some(rest) = authorization.split("q-ak=").nth(1) {
        stored.credential = rest.split('&').next().and_then(some);
    } else if let Some(token) = authorization.strip_prefix("UpToken ") {
        stored.allowed(token);
    } else {
        let id = ["OSSAccessKeyId", "AWSAccessKeyId", "AccessKeyId"]
            .iter()
            .find_map(|name| parameter(target, name));
        stored.credential = stored.credential.take().or(id);
    }
}

impl Stored {
    /// Takes over the scope of a signature: `id/date/region/service/aws4_request`.
    fn scoped(&mut self, scope: &str) {
        let parts: Vec<&str> = scope.split('/').collect();
        self.credential = parts.first().and_then(|id| some(id));
        self.region = self.region.take().or_else(|| parts.get(2).and_then(|region| some(region)));
    }

    /// Takes over what an upload token of Kodo allows.
    fn allowed(&mut self, token: &str) {
        self.credential = token.split(':').next().and_then(some);
        if let Some(scope) = scope(token) {
            let (bucket, key) = scope.split_once(':').unwrap_or((&scope, ""));
            self.bucket = self.bucket.take().or_else(|| some(bucket));
            self.object = self.object.take().or_else(|| some(key));
        }
    }

    /// As fields of a message.
    pub(crate) fn fields(self) -> impl Iterator<Item = Field> {
        [
            ("storage", Some(self.provider.to_owned())),
            ("bucket", self.bucket),
            ("region", self.region),
            ("object", self.object),
            ("credential_id", self.credential),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some(Field { name, value: Value::Text(value?) }))
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(host: &str, target: &str, authorization: &str) -> [Option<String>; 5] {
        let headers = [("authorization".to_owned(), authorization.as_bytes().to_vec())];
        let head = Head { target: Some(target), headers: &headers, more: false };
        let stored = describe(host, &head, None).unwrap_or_default();
        [some(stored.provider), stored.bucket, stored.region, stored.object, stored.credential]
    }

    #[test]
    fn stores_are_told_by_host_and_by_signature() {
        let aws = "AWS4-HMAC-SHA256 Credential=AKIAX/20260611/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=ab";
        let table = [
            ("pics.s3.us-west-2.amazonaws.com", "/a/b.jpg", aws, "s3 pics us-west-2 a/b.jpg AKIAX"),
            (
                "s3.cn-north-1.amazonaws.com.cn",
                "/pics/b%20c.jpg?partNumber=1",
                "",
                "s3 pics cn-north-1 b c.jpg -",
            ),
            ("minio.lan:9000", "/pics/x", aws, "s3 pics us-west-2 x AKIAX"),
            ("fly.oss-cn-hongkong.aliyuncs.com", "/o", "OSS LTAI5:sig", "oss fly cn-hongkong o LTAI5"),
            ("fly.oss-cn-hangzhou-internal.aliyuncs.com", "/o", "", "oss fly cn-hangzhou o -"),
            (
                "b-125.cos.ap-guangzhou.myqcloud.com",
                "/o",
                "q-sign-algorithm=sha1&q-ak=AKIDz&q-sign-time=1",
                "cos b-125 ap-guangzhou o AKIDz",
            ),
            ("b.obs.cn-north-4.myhuaweicloud.com", "/o", "OBS HWAK:sig", "obs b cn-north-4 o HWAK"),
            ("acc.blob.core.windows.net", "/box/o?comp=block", "SharedKey acc:sig", "azure acc/box - o acc"),
            (
                "storage.googleapis.com",
                "/upload/storage/v1/b/bk/o?uploadType=resumable&name=o.mp4",
                "",
                "gcs bk - o.mp4 -",
            ),
            (
                "upload-z2.qiniup.com",
                "/buckets/bk/objects/by5tcDQ=/uploads/id/1",
                "UpToken ak:s:eyJzY29wZSI6ImJrIn0=",
                "kodo bk z2 o.mp4 ak",
            ),
            (
                "up-z1.qiniup.com",
                "/mkfile/9/mimeType/a2V5/key/by5tcDQ=",
                "UpToken ak:s:eyJzY29wZSI6ImJrIn0=",
                "kodo bk z1 o.mp4 ak",
            ),
        ];
        for (host, target, authorization, expected) in table {
            let shown =
                told(host, target, authorization).map(|one| one.unwrap_or_else(|| "-".to_owned())).join(" ");
            assert_eq!(shown, expected, "{host}");
        }
        assert_eq!(told("api.example", "/upload", "Bearer x"), [const { None }; 5]);
    }

    fn of_form(host: &str, target: &str, fields: &[(&str, &str)]) -> [Option<String>; 5] {
        let field = |(name, value): &(&str, &str)| {
            let form = format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            form.into_bytes()
        };
        let file = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"A.JPG\"\r\n\r\n\u{ff}\r\n--B--\r\n";
        let body = [fields.iter().flat_map(field).collect(), file.as_bytes().to_vec()].concat();
        let parts = crate::expand(&body, Some("multipart/form-data; boundary=B"), &crate::Limits::default());
        let head = Head { target: Some(target), headers: &[], more: false };
        let stored = describe(host, &head, Some(&parts)).unwrap_or_default();
        [some(stored.provider), stored.bucket, stored.region, stored.object, stored.credential]
    }

    #[test]
    fn a_form_names_the_object_and_who_signed() {
        let aws = ("X-Amz-Credential", "AKIAX/20260611/us-west-2/s3/aws4_request");
        let oss = [("OSSAccessKeyId", "LTAI5"), ("Signature", "sig"), ("key", "f/${filename}")];
        let kodo = [("token", "ak:s:eyJzY29wZSI6ImJrIn0="), ("key", "o.mp4")];
        for (host, target, fields, expected) in [
            (
                "pics.s3.us-west-2.amazonaws.com",
                "/",
                &[("key", "a/b.jpg"), aws][..],
                "s3 pics us-west-2 a/b.jpg AKIAX",
            ),
            ("minio.lan:9000", "/pics", &[("key", "a/b.jpg"), aws], "s3 pics us-west-2 a/b.jpg AKIAX"),
            ("fly.oss-cn-hongkong.aliyuncs.com", "/", &oss, "oss fly cn-hongkong f/A.JPG LTAI5"),
            ("up-z2.qiniup.com", "/", &kodo, "kodo bk z2 o.mp4 ak"),
            ("upload.example", "/", &kodo, "kodo bk - o.mp4 ak"),
        ] {
            let shown =
                of_form(host, target, fields).map(|one| one.unwrap_or_else(|| "-".to_owned())).join(" ");
            assert_eq!(shown, expected, "{host}");
        }
    }

    #[test]
    fn other_forms_go_to_no_store() {
        for fields in
            [&[("key", "value"), ("token", "a:b:c")][..], &[("AccessKeyId", "x")], &[("signature", "x")]]
        {
            assert_eq!(of_form("api.example", "/upload", fields), [const { None }; 5]);
        }
    }
}
