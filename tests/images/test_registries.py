import pytest

from autobump.images.reference import parse_image_ref
from autobump.images.registries import Place, Registries, RegistryHost, full_name, names_of

HUB_SPELLINGS = ("", "docker.io/", "index.docker.io/", "registry-1.docker.io/", "DOCKER.io/")
MIRROR = "gcr.io/xsoar-registry/"
CORP = "registry.corp:5000"


def place(registries: Registries, image: str) -> Place | None:
    return registries.find_place(parse_image_ref(image))


@pytest.mark.parametrize("spelling", [*HUB_SPELLINGS, MIRROR])
def test_docker_hub_is_one_registry_however_it_is_spelled(spelling: str) -> None:
    for namespace in ("demisto", "demistoextended"):
        found = place(Registries(), f"{spelling}{namespace}/x:1.0.0.1")
        assert found is not None
        assert (found.source, found.host, found.names) == ("dockerhub", "docker.io", (f"{namespace}/x",))
        assert found.is_trusted
    other = place(Registries(), f"{spelling}library/x:1.0.0.1")
    assert other is not None
    assert not other.is_trusted


@pytest.mark.parametrize(
    "source", ["dockerhub", "oci:https://mirror.example/hub", "dockerfiles-info", "file:tags.json"]
)
def test_source_serves_docker_hub_as_before(source: str) -> None:
    found = place(Registries(source), "demisto/x")
    assert found is not None
    assert (found.source, found.names) == (source, ("demisto/x",))


@pytest.mark.parametrize(
    "image",
    [
        f"{CORP}/demisto/x",
        f"{CORP}/docker/demisto/x",
        "gcr.io/demisto/x",
        "gcr.io/xsoar-registry/x",
        "gcr.io/xsoar-registry-2/demisto/x",
        "eu.gcr.io/xsoar-registry/demisto/x",
        "docker.io.example/demisto/x",
        "localhost/demisto/x",
    ],
)
def test_other_registry_is_not_known_without_a_word_of_it(image: str) -> None:
    assert place(Registries(), image) is None
    assert "registry.hosts" in Registries().explain_unknown(parse_image_ref(image))


@pytest.mark.parametrize(
    ("host", "image", "names", "trusted"),
    [
        (RegistryHost("oci:https://o.example"), "demisto/x", ("demisto/x",), True),
        (RegistryHost("oci:https://o.example"), "acme/x", ("acme/x",), False),
        (RegistryHost("oci:https://o.example"), "a/b/demisto/x", ("a/b/demisto/x",), False),
        (RegistryHost("oci:https://o.example", "a/b"), "a/b/demisto/x", ("a/b/demisto/x",), True),
        (RegistryHost("oci:https://o.example", "a/b"), "demisto/x", ("a/b/demisto/x",), True),
        (RegistryHost("oci:https://o.example/a"), "a/demisto/x", ("demisto/x",), False),
        (RegistryHost("oci:https://o.example", "", ("acme", "a/b")), "acme/x", ("acme/x",), True),
        (RegistryHost("oci:https://o.example", "", ("acme", "a/b")), "a/b/x", ("a/b/x",), True),
        (RegistryHost("oci:https://o.example", "", ("acme",)), "demisto/x", ("demisto/x",), False),
        (RegistryHost("oci:https://o.example", "", ("acme",)), "named/x", ("named/x",), True),
        (RegistryHost("dockerhub", "hub"), "hub/demisto/x", ("demisto/x",), True),
        (RegistryHost("dockerhub", "", ("hub/demisto",)), "hub/demisto/x", ("demisto/x",), True),
        (RegistryHost("dockerfiles-info", "hub"), "demisto/x", ("demisto/x",), True),
        (
            RegistryHost("file:t.json", "hub"),
            "hub/demisto/x",
            (f"{CORP}/hub/demisto/x", f"{CORP}/demisto/x", "hub/demisto/x", "demisto/x"),
            True,
        ),
    ],
)
def test_registry_that_is_known_has_its_source_prefix_and_namespaces(
    host: RegistryHost, image: str, names: tuple[str, ...], trusted: bool
) -> None:
    registries = Registries("dockerhub", ("demisto", f"{CORP}/named"), {CORP: host})
    found = place(registries, f"{CORP}/{image}:1.0.0.1")
    assert found is not None
    assert (found.source, found.host, found.names) == (host.source, CORP, names)
    assert found.is_trusted == trusted


def test_docker_hub_may_have_a_source_and_namespaces_of_its_own() -> None:
    host = RegistryHost("oci:https://proxy.example", "hub", ("acme",))
    registries = Registries(hosts={"docker.io": host})
    found = place(registries, "acme/x")
    assert found is not None
    assert (found.source, found.names, found.is_trusted) == (host.source, ("hub/acme/x",), True)
    other = place(registries, "demisto/x")
    assert other is not None
    assert not other.is_trusted


@pytest.mark.parametrize(
    ("source", "namespaces", "known"),
    [
        ("file:t.json", ("demisto", f"{CORP}/demisto"), True),
        (f"oci:http://{CORP}", ("demisto", f"{CORP}/demisto"), True),
        (f"oci:http://{CORP}/prefix", (f"{CORP}/demisto", "other.example/acme"), True),
        ("oci:https://alias.example", (f"{CORP}/demisto", f"{CORP}/acme"), True),
        ("oci:https://alias.example", ("demisto", f"{CORP}/demisto"), False),
        ("oci:https://alias.example", (f"{CORP}/demisto", "other.example/acme"), False),
        ("dockerhub", (f"{CORP}/demisto",), False),
        ("dockerfiles-info", (f"{CORP}/demisto",), False),
    ],
)
def test_host_before_a_namespace_means_the_one_source_if_that_can_be_meant(
    source: str, namespaces: tuple[str, ...], known: bool
) -> None:
    registries = Registries(source, namespaces)
    found = place(registries, f"{CORP}/demisto/x")
    assert (found is not None and found.is_trusted) == known
    if not known:
        assert "registry.namespaces trusts" in registries.explain_unknown(
            parse_image_ref(f"{CORP}/demisto/x")
        )
        assert namespaces.index(f"{CORP}/demisto") in registries.unanswered()
    else:
        assert f"{CORP}/demisto" not in [namespaces[number] for number in registries.unanswered()]
        assert place(registries, f"{CORP}/library/x") is not None
        assert place(registries, "other.registry/demisto/x") is None


def test_image_is_told_from_all_others_by_its_full_name() -> None:
    same = [f"{spelling}demisto/x" for spelling in (*HUB_SPELLINGS, MIRROR)]
    assert {full_name(image) for image in same} == {"demisto/x"}
    others = ["Registry.Corp:5000/demisto/x", f"{CORP}/hub/demisto/x", "gcr.io/demisto/x", "demisto/y"]
    assert len({full_name(image) for image in others} | {"demisto/x"}) == 5
    assert full_name("Registry.Corp:5000/demisto/x") == f"{CORP}/demisto/x"
    assert full_name("no image") == "no image"


def test_settings_may_call_an_image_by_any_of_its_names() -> None:
    assert names_of("demisto/x") == ("demisto/x",)
    assert set(names_of("gcr.io/xsoar-registry/demisto/x")) >= {
        "gcr.io/xsoar-registry/demisto/x",
        "demisto/x",
    }
    assert set(names_of(f"{CORP}/demisto/x")) == {f"{CORP}/demisto/x", "demisto/x"}
