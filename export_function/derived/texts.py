"""
All words of the pages, in one place, for whoever translates them. Filled in with `str.format`, escaped afterwards.
"""

LANGUAGE = "en"

TITLE = "Your data in Custom Vision"
LEAD = (
    "This is what was stored in Azure Custom Vision when it was exported on {when}. All of it lies in this folder: the "
    "pages work without a network, and nothing on them asks any server for anything."
)
LEAD_NARROWED = (
    "This is what Azure Custom Vision stored about one person when it was exported on {when}. All of it lies in this "
    "folder: the pages work without a network, and nothing on them asks any server for anything."
)
SEVERAL_ZIPS = (
    "Did it come as several zip files? Unpack all of them into one folder; the pictures are then where the pages look "
    "for them."
)
SKIP = "Skip to the content"
CONTENTS = "On this page"
PAGES = "Pages"
PAGES_BELOW = "Pages, again"
TO_OVERVIEW = "Overview"
PREVIOUS = "Previous page"
NEXT = "Next page"
FOOTER = "Export {request_id}, written {when}. Made of the files beside it; manifest.json lists every one of them."

# Overview
GLANCE = "At a glance"
REQUEST = "Request"
WRITTEN = "Written"
SCOPE = "Asked for"
SCOPE_ALL = "all projects"
SCOPE_ONE_NAMED = "one project, by its name or id"
SCOPE_NAMED = "{projects} projects, by their names or ids"
SCOPE_IMAGES = "one person’s images, found by {kinds}"
SCOPE_PREDICTIONS = "{number} stored predictions by their ids"
PICTURES_TOTAL = "Pictures"
PICTURES_WORDS = "{images} training images and {predictions} stored predictions"
PERIOD = "Uploaded between"
PERIOD_WORDS = "and"
ERASED = "Erased since"
ERASED_WORDS = "{items} on request, in no file of this package any more; manifest.json says when the last time was"
ERASED_ITEM = "1 item"
ERASED_ITEMS = "{items} items"
GALLERY = "Pictures, page by page"
GALLERY_PAGE = "Page {number}"
GALLERY_RANGE = "pictures {first} to {last}"
NO_PICTURES = "There are no pictures in this export."

HELD = "What is held"
HELD_CAPTION = "Numbers of things found and exported, by kind"
STORE = "Kind"
STORES = {
    "account": "Account of the service",
    "projects": "Projects",
    "iterations": "Iterations (trained versions)",
    "performance": "Performance measurements",
    "tags": "Tags",
    "images": "Training images",
    "predictions": "Stored predictions",
    "exported_models": "Exported models",
    "own_exports": "Earlier exports",
}
COUNTS = {
    "found": "Found",
    "written": "Exported",
    "vanished": "Gone before it was read",
    "failed": "Failed",
    "not_available": "Not available",
    "service_count": "The service’s own count",
}
HELD_NOTE = (
    "The service’s own count is of the day of the export, and of images that are not only in iterations. Whatever was "
    "erased from this package since is still counted in it."
)

MISSING = "What is not here, and why"
NOTHING_MISSING = "Nothing that was asked for is missing."
MISSING_LEAD = "This was asked for and could not be had. manifest.json names each of it by its id."
UNASKED_LEAD = "This was not asked for, and so not exported:"
GAPS = {
    "copy_refused": "listed by the service, but the bytes could not be had",
    "refused": "refused by the service",
    "gone": "no longer on the service",
    "vanished": "there when the export was planned, gone when it was read",
    "link_expired": "not downloadable, since the service’s link has expired and it offers no other",
    "list_moved": "changed on the service while the export ran, so counts may differ",
    "not_trained": "not there, since the iteration was never trained to its end",
    "not_supported_yet": "not exported by this version of the program",
    "not_asked": "not asked for",
}
GAP_OTHER = "could not be had ({code})"
GAP_PART = "{words}: {part}"
GAP_IDS = "Which ones"
GAP_MORE = "and {number} more, listed in manifest.json"

# Projects
PROJECTS = "Projects"
NO_PROJECTS = "There is no project in this export."
UNNAMED = "(without a name)"
PROJECT_ID = "Id"
DESCRIPTION = "Description"
CREATED = "Created"
CHANGED = "Last changed"
STATUS = "Status"
CLASSIFICATION = "Kind of tags"
CLASSIFICATIONS = {"Multiclass": "one tag per image", "Multilabel": "any number of tags per image"}
IMAGES_HELD = "Training images"
IMAGES_HELD_WORDS = "{images}, of which {only} are only in iterations"
PREDICTIONS_HELD = "Stored predictions"
SEE_IMAGES = "See the training images, from page {page} on"
SEE_PREDICTIONS = "See the stored predictions, from page {page} on"
TAGS = "Tags"
TAGS_CAPTION = "Tags of {project}"
TAG_TYPE = "Type"
TAG_IMAGES = "Images"
TAG_ONLY_ITERATION = "only in iterations"
NAME = "Name"

ITERATIONS = "Iterations"
PUBLISHED = "Published as"
TRAINED = "Trained"
PUBLISHED_TO = "Published to"
PERFORMANCE_CAPTION = "Performance of {iteration}: overall and by tag"
OVERALL = "All tags"
PRECISION = "Precision"
RECALL = "Recall"
AVERAGE_PRECISION = "Average precision"
MODELS = "Exported models"
MODEL_LISTED = "{platform} {flavor}: {status}"
FILES = "Files"

# What the files are
FILE_KINDS = {
    "project.json": "the project’s details and settings",
    "tags.json": "all tags",
    "iterations.json": "the list of iterations",
    "coco.json": "images, tags and regions as a COCO data set, for other programs",
    "images.csv": "all images as a table",
    "tags.csv": "all tags as a table",
    "images": "images: rows of the service",
    "predictions": "stored predictions: rows of the service",
    "iteration.json": "details",
    "performance.json": "performance",
    "exports.json": "list of exported models",
    "image_performances": "performance on every image",
    "models": "exported model",
}
FILE_OTHER = "further file"

ACCOUNT = "Account"
ACCOUNT_LEAD = "What the service says about the account itself. The same is in account.json."
ACCOUNT_ENTRY = "Resource {number}"
ACCOUNT_KEYS = (
    "This package also has the account’s access keys, in account-keys.json. Whoever has them can read and change "
    "everything in the account: keep that file secret."
)
WHOLE_PACKAGE = "The whole package"
MANIFEST = "every file with its size and digest, all counts, and everything that could not be had"
ACCOUNT_FILE = "the account"

# Gallery
GALLERY_TITLE = "Pictures {first} to {last}"
SECTION_IMAGES = "Training images of {project}"
SECTION_PREDICTIONS = "Stored predictions of {project}"
IMAGE_NUMBER = "Image {number}"
PREDICTION_NUMBER = "Prediction {number}"
ALT_IMAGE = "Training image {number}{tags}{regions}"
ALT_TAGS = ", tagged {tags}"
ALT_UNTAGGED = ", without tags"
ALT_REGIONS = ", with {number} marked regions"
ALT_REGION = ", with one marked region"
ALT_PREDICTION = "Picture of stored prediction {number}{result}"
ALT_RESULT = ", most likely {tag}"
NO_FILE = "The bytes of this picture could not be had."
NOT_SHOWN = "Open the file ({extension}; browsers do not show this kind)"
UNTAGGED = "No tags"
REGIONS = "Regions"
REGION = "{tag}: {left} from the left, {top} from the top, {width} wide, {height} high"
REGION_UNPLACED = "{tag}: lies outside of the picture"
SIZE = "Size"
PIXELS = "{width} × {height} pixels"
UPLOADED = "Uploaded"
MADE = "Made"
ID = "Id"
METADATA = "Metadata"
PAIR = "{key}: {value}"
IN_ITERATIONS = "Also in iterations"
ONLY_IN_ITERATIONS = "Only in iterations"
ONLY_IN_ITERATION_NOTE = "No longer in the project itself: only trained iterations still hold this image."
OTHER_LABELS = "{iteration} (there with other labels: {tags}; {regions} regions)"
BY_ITERATION = "By iteration"
RESULT_NOT_NAMED = "(a tag that is not named here)"
RESULTS = "Results"
MORE_RESULTS = "{number} less likely ones"
NO_RESULTS = "No results"
