"""The parts of management, put together."""

from amqp_server.broker.admin import Admin
from amqp_server.broker.views import Views
from management.settings import ManagementSettings
from tests.support.management_api import Api


def test_the_parts_belong_together(api: Api) -> None:
    management = api.management
    assert management.services.node is management.node
    assert management.services.identity.rabbitmq_version == ManagementSettings().rabbitmq_version
    assert management.services.identity.node.startswith("rabbit@")
    assert management.services.identity.cluster
    assert isinstance(management.node.views, Views)
    assert isinstance(management.node._admin, Admin)


def test_a_cluster_may_have_a_name_of_the_settings() -> None:
    with Api(ManagementSettings(cluster_name="prod")) as api:
        assert api.management.services.identity.cluster == "prod"


def test_scrapes_have_shorter_slices_of_their_own(api: Api) -> None:
    management = api.management
    scraped = management.scraping._services.node
    assert scraped.views is management.node.views
    assert scraped.slices._slice_ns < management.node.slices._slice_ns
