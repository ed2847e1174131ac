"""Where pictures are kept."""

from pydantic import SecretStr

from config.variables.naming import Variables, named


class FileVariables(Variables):
    use_s3: bool = named(
        False, "USE_S3", help="1 keeps pictures in the bucket below instead of HANOUT_DATA_DIR; needs the next three."
    )
    aws_access_key_id: str = named("", "AWS_ACCESS_KEY_ID", help="See above.")
    aws_secret_access_key: SecretStr = named(SecretStr(""), "AWS_SECRET_ACCESS_KEY", help="See above.")
    aws_storage_bucket_name: str = named("", "AWS_STORAGE_BUCKET_NAME", help="See above.")
    aws_s3_region_name: str = named(
        "us-east-1", "AWS_S3_REGION_NAME", help="The bucket's region.", pattern="^[a-z0-9-]{1,40}$"
    )
    aws_s3_endpoint_url: str = named(
        "", "AWS_S3_ENDPOINT_URL", help="Address of another S3 than Amazon's, such as https://minio.shop.test."
    )
    aws_default_acl: str = named(
        "public-read",
        "AWS_DEFAULT_ACL",
        help="Who may read a picture. `none` sends no ACL: for buckets that take none and are public by policy.",
        pattern="^(public-read|none)$",
    )
    use_cdn: bool = named(
        False, "USE_CDN", help="1 gives pictures addresses at CDN_DOMAIN, which fetches them from the bucket."
    )
    cdn_domain: str = named("", "CDN_DOMAIN", help="See above; a host without https:// and path.")
