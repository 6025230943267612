"""Reading of hosted zones and their records, and of log groups."""

from pathlib import Path

from color_mesh.ecs.hosted_zones import HostedZone, Record
from tests.support.local_templates import declared, resource


def test_records_belong_to_a_zone_by_its_id_or_name(tmp_path: Path) -> None:
    more = {
        "Private": resource("AWS::Route53::HostedZone", Name="Shop.Internal.", VPCs=[{"VPCId": "vpc-1"}]),
        "Public": resource("AWS::Route53::HostedZone", Name="shop.example"),
        "A": resource(
            "AWS::Route53::RecordSet",
            HostedZoneId={"Ref": "Private"},
            Name="Cart.shop.internal.",
            Type="A",
            TTL="30",
            ResourceRecords=["127.0.0.2"],
        ),
        "Alias": resource("AWS::Route53::RecordSet", HostedZoneName="shop.example.", Name="shop.example", Type="A"),
    }
    declarations = declared(tmp_path, more=more)
    private = "shop.template.json: Private"
    assert declarations.hosted_zones == {
        private: HostedZone(name="shop.internal", private=True),
        "shop.template.json: Public": HostedZone(name="shop.example", private=False),
    }
    assert list(declarations.records.values()) == [
        Record(
            zone=private,
            zone_name=None,
            name="cart.shop.internal",
            type="A",
            ttl_seconds=30,
            values=("127.0.0.2",),
        ),
        Record(zone=None, zone_name="shop.example", name="shop.example", type="A", ttl_seconds=0, values=()),
    ]


def test_log_group_without_a_name_has_a_generated_one(tmp_path: Path) -> None:
    more = {"Named": resource("AWS::Logs::LogGroup", LogGroupName="shop"), "Other": resource("AWS::Logs::LogGroup")}
    assert declared(tmp_path, more=more).log_groups == {
        "shop.template.json: Named": "shop",
        "shop.template.json: Other": "shop-Other",
    }
