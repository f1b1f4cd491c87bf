"""Who works in the demo laboratory and what lies on its tables: plain data.

All names are invented. Ages of cases are days before the demo was loaded, so that the worklist
looks alive whenever it is opened.
"""

from __future__ import annotations

from dataclasses import dataclass

from inference.phantoms import PRESETS

PASSWORD = "portrait-demo"  # noqa: S105 - known to everyone: given on a loopback demo only
PHANTOM_MARK = "fantôme"


@dataclass(frozen=True, slots=True)
class SitePlan:
    """A laboratory."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class OrganizationPlan:
    """A legal entity and its laboratories."""

    slug: str
    name: str
    kind: str
    sites: tuple[SitePlan, ...]


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """A demo account; no organisation means the platform admin, no site means all of them."""

    username: str
    first_name: str
    last_name: str
    role: str
    organization: str | None = None
    site: str | None = None
    language: str = "fr"


@dataclass(frozen=True, slots=True)
class PhantomPlan:
    """A slide made by the phantom generator."""

    width: int
    height: int
    seed: int
    preset: str = "breast-he"
    labelling_index: float | None = None  # wanted % of positive tumour nuclei
    artefacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlidePlan:
    """A slide: the real file where there is one, else the phantom."""

    block: str  # "A1": specimen A, block 1
    stain: str
    phantom: PhantomPlan
    real: str | None = None
    tool: str | None = None  # analysed by this tool once registered

    @property
    def phantom_stain(self) -> str:
        """A phantom that stands in for a real slide has the stain it was made with."""
        return self.stain if self.real is None else PRESETS[self.phantom.preset].stain


@dataclass(frozen=True, slots=True)
class GrantPlan:
    """The case is open to another organisation."""

    organization: str
    by: str
    reason: str
    days: int


@dataclass(frozen=True, slots=True)
class CasePlan:
    """A case as it stands when the demo starts."""

    accession: str
    organization: str
    site: str
    organ: str
    status: str
    priority: int
    patient: str
    birth_year: int
    sex: str
    note: str
    received_days_ago: int
    due_in_days: int
    slides: tuple[SlidePlan, ...]
    reader: str | None = None
    research: bool = False
    specimens: tuple[tuple[str, str], ...] = ()
    grant: GrantPlan | None = None


CENTRE = "leon-carpentier"
LABORATORY = "tilleuls"

ORGANIZATIONS = (
    OrganizationPlan(
        CENTRE,
        "Centre Léon-Carpentier",
        "centre",
        (SitePlan("colline", "Site de la Colline"), SitePlan("port", "Site du Port")),
    ),
    OrganizationPlan(
        LABORATORY,
        "Laboratoire des Tilleuls",
        "laboratory",
        (SitePlan("tilleuls", "Anatomie pathologique"),),
    ),
)

PEOPLE = (
    PersonPlan("claire.morel", "Claire", "Morel", "pathologist", CENTRE),
    PersonPlan("hugo.besnard", "Hugo", "Besnard", "pathologist", CENTRE, "port"),
    PersonPlan("ines.garnier", "Inès", "Garnier", "lab_manager", CENTRE),
    PersonPlan("paul.vasseur", "Paul", "Vasseur", "admin", CENTRE),
    PersonPlan("lea.fontaine", "Léa", "Fontaine", "researcher", CENTRE, language="en"),
    PersonPlan("nadia.benali", "Nadia", "Benali", "pathologist", LABORATORY),
    PersonPlan("marc.delorme", "Marc", "Delorme", "lab_manager", LABORATORY),
    PersonPlan("sophie.renaud", "Sophie", "Renaud", "admin", LABORATORY),
    PersonPlan("thomas.leclerc", "Thomas", "Leclerc", "platform_admin"),
)

# In the order in which they appear: the first ones are what a visitor opens first.
CASES = (
    CasePlan(
        accession="26C00141",
        organization=CENTRE,
        site="colline",
        organ="breast",
        status="reading",
        priority=1,
        patient="CLC-4821",
        birth_year=1968,
        sex="F",
        note="Nodule du sein gauche de 18 mm, ACR 5. Biopsie au trocart, trois fragments.",
        received_days_ago=2,
        due_in_days=1,
        reader="claire.morel",
        research=True,
        specimens=(("A", "Sein gauche, biopsie à 10 h"),),
        slides=(
            SlidePlan(
                "A1",
                "KI67",
                PhantomPlan(5000, 4000, 1411, "ki67", 32),
                tool="nuclear_ihc",
            ),
            SlidePlan("A1", "HE", PhantomPlan(5000, 4000, 1412), tool="nuclei_segmentation"),
            SlidePlan("A1", "ER", PhantomPlan(4500, 4000, 1413, "er", 85), tool="nuclear_ihc"),
        ),
    ),
    CasePlan(
        accession="26C00142",
        organization=CENTRE,
        site="colline",
        organ="skin",
        status="received",
        priority=3,
        patient="CLC-5077",
        birth_year=1951,
        sex="M",
        note="Lésion pigmentée de l'avant-bras droit. Exérèse, orientée par un fil.",
        received_days_ago=1,
        due_in_days=4,
        reader="claire.morel",
        research=True,
        specimens=(("A", "Avant-bras droit, exérèse"),),
        slides=(
            SlidePlan(
                "A1",
                "HE",
                PhantomPlan(3000, 3000, 1421),
                real="CMU-1-Small-Region.svs",
                tool="slide_qc",
            ),
            SlidePlan("A2", "HE", PhantomPlan(4000, 3500, 1422)),
        ),
    ),
    CasePlan(
        accession="26C00143",
        organization=CENTRE,
        site="colline",
        organ="head_neck",
        status="waiting",
        priority=2,
        patient="CLC-3390",
        birth_year=1959,
        sex="M",
        note="Carcinome épidermoïde de la langue mobile. Examen extemporané, puis inclusion.",
        received_days_ago=3,
        due_in_days=0,
        reader="claire.morel",
        specimens=(("A", "Langue, coupe congelée"),),
        slides=(
            SlidePlan(
                "A1", "HE", PhantomPlan(3000, 3000, 1431), real="TCGA-CR-7395-01A-01-TS1.svs"
            ),
            SlidePlan("A2", "HES", PhantomPlan(4000, 3500, 1432, "breast-hes")),
        ),
    ),
    CasePlan(
        accession="26C00138",
        organization=CENTRE,
        site="port",
        organ="colon",
        status="reading",
        priority=2,
        patient="CLC-2216",
        birth_year=1947,
        sex="F",
        note="Hémicolectomie droite. Lame étalée à la hâte : plis et flou attendus.",
        received_days_ago=5,
        due_in_days=-1,
        reader="hugo.besnard",
        research=True,
        specimens=(("A", "Côlon droit"), ("B", "Ganglions du méso")),
        slides=(
            SlidePlan(
                "A1",
                "HE",
                PhantomPlan(
                    6000, 4500, 1381, "colon-he", artefacts=("blur", "pen", "fold", "bubble")
                ),
                tool="slide_qc",
            ),
            SlidePlan("A2", "HE", PhantomPlan(4000, 3500, 1382, "colon-he")),
            SlidePlan("B1", "HE", PhantomPlan(4000, 3500, 1383, "lymphnode-he")),
        ),
    ),
    CasePlan(
        accession="26T01007",
        organization=LABORATORY,
        site="tilleuls",
        organ="breast",
        status="reading",
        priority=2,
        patient="TIL-0611",
        birth_year=1973,
        sex="F",
        note="Tumorectomie du sein droit. Ki-67 difficile : second avis demandé au centre.",
        received_days_ago=4,
        due_in_days=2,
        reader="nadia.benali",
        specimens=(("A", "Sein droit, tumorectomie"),),
        slides=(
            SlidePlan("A1", "HE", PhantomPlan(4000, 3500, 10071)),
            SlidePlan(
                "A1",
                "KI67",
                PhantomPlan(4500, 4000, 10072, "ki67", 18),
                tool="nuclear_ihc",
            ),
        ),
        grant=GrantPlan(CENTRE, "sophie.renaud", "Second avis sur le Ki-67", 30),
    ),
    CasePlan(
        accession="26C00144",
        organization=CENTRE,
        site="colline",
        organ="lymph_node",
        status="received",
        priority=3,
        patient="CLC-4790",
        birth_year=1962,
        sex="F",
        note="Ganglion sentinelle axillaire gauche. Chercher des micrométastases.",
        received_days_ago=1,
        due_in_days=5,
        specimens=(("A", "Ganglion sentinelle"),),
        slides=(
            SlidePlan(
                "A1",
                "HE",
                PhantomPlan(3000, 3000, 1441, "lymphnode-he"),
                real="dicom_camelyon_jpeg2000.dcm",
            ),
            SlidePlan("A2", "HE", PhantomPlan(4000, 3500, 1442, "lymphnode-he")),
        ),
    ),
    CasePlan(
        accession="26C00145",
        organization=CENTRE,
        site="port",
        organ="lung",
        status="received",
        priority=3,
        patient="CLC-1874",
        birth_year=1955,
        sex="M",
        note="Nodule du lobe supérieur droit, biopsie transthoracique.",
        received_days_ago=0,
        due_in_days=6,
        research=True,
        specimens=(("A", "Poumon, biopsie"),),
        slides=(
            SlidePlan("A1", "HE", PhantomPlan(4000, 3500, 1451)),
            SlidePlan("A2", "FLUO", PhantomPlan(3000, 3000, 1452), real="fluo-DAPI.ndpi"),
        ),
    ),
    CasePlan(
        accession="26C00146",
        organization=CENTRE,
        site="port",
        organ="prostate",
        status="reading",
        priority=3,
        patient="CLC-3021",
        birth_year=1950,
        sex="M",
        note="Cylindre de tissue micro-array, contrôle de coloration.",
        received_days_ago=2,
        due_in_days=7,
        reader="hugo.besnard",
        research=True,
        specimens=(("A", "Prostate, cylindre"),),
        slides=(
            SlidePlan(
                "A1", "HE", PhantomPlan(3000, 3000, 1461, "colon-he"), real="tma_core_HE.ome.tif"
            ),
            SlidePlan("A2", "HES", PhantomPlan(3500, 3500, 1462, "breast-hes")),
        ),
    ),
    CasePlan(
        accession="26C00147",
        organization=CENTRE,
        site="colline",
        organ="bone_marrow",
        status="received",
        priority=2,
        patient="CLC-2958",
        birth_year=1980,
        sex="F",
        note="Biopsie ostéo-médullaire, bilan d'une pancytopénie.",
        received_days_ago=1,
        due_in_days=3,
        specimens=(("A", "Crête iliaque"),),
        slides=(
            SlidePlan(
                "A1",
                "HE",
                PhantomPlan(3000, 3000, 1471, "lymphnode-he"),
                real="dicom_marrow_jpeg.dcm",
            ),
            SlidePlan("A1", "HES", PhantomPlan(3500, 3500, 1472, "breast-hes")),
        ),
    ),
    CasePlan(
        accession="26C00129",
        organization=CENTRE,
        site="colline",
        organ="breast",
        status="signed",
        priority=3,
        patient="CLC-4102",
        birth_year=1964,
        sex="F",
        note="Carcinome infiltrant de type non spécifique, grade 2. Compte rendu signé.",
        received_days_ago=12,
        due_in_days=-5,
        reader="claire.morel",
        research=True,
        specimens=(("A", "Sein droit, mastectomie"),),
        slides=(
            SlidePlan("A1", "HE", PhantomPlan(8000, 6000, 1291)),
            SlidePlan("A1", "PR", PhantomPlan(4000, 3500, 1292, "er", 55)),
            SlidePlan("A1", "HER2", PhantomPlan(4000, 3500, 1293, "her2", 40)),
        ),
    ),
    CasePlan(
        accession="26T01009",
        organization=LABORATORY,
        site="tilleuls",
        organ="lymph_node",
        status="received",
        priority=3,
        patient="TIL-0735",
        birth_year=1988,
        sex="M",
        note="Adénopathie cervicale isolée, biopsie-exérèse.",
        received_days_ago=0,
        due_in_days=8,
        specimens=(("A", "Ganglion cervical"),),
        slides=(
            SlidePlan("A1", "HE", PhantomPlan(3500, 3500, 10091, "lymphnode-he")),
            SlidePlan("A2", "HE", PhantomPlan(3500, 3500, 10092, "lymphnode-he")),
        ),
    ),
    CasePlan(
        accession="26T00996",
        organization=LABORATORY,
        site="tilleuls",
        organ="colon",
        status="signed",
        priority=3,
        patient="TIL-0588",
        birth_year=1949,
        sex="M",
        note="Polypectomie du sigmoïde. Compte rendu signé.",
        received_days_ago=9,
        due_in_days=-3,
        reader="nadia.benali",
        specimens=(("A", "Sigmoïde, polype"),),
        slides=(
            SlidePlan("A1", "HE", PhantomPlan(3500, 3500, 9961, "colon-he")),
            SlidePlan("A2", "HE", PhantomPlan(3500, 3500, 9962, "colon-he")),
        ),
    ),
)
