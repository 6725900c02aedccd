"""Countries: an item with lists and maps inside it becomes a table and its child tables.

``rows("borders[]", …)`` is the table countries_borders with one row per element;
``rows("translations{}", …)`` has one row per entry of the map. An element that disappears from the
item disappears from the child table.
"""

from dynaurora import Table, column, rows

countries = Table(
    key="name",
    columns={
        "name": "text",  # key; in English
        "alpha2": ("text", "ISO.alpha2"),
        "alpha3": column("text", "ISO.alpha3", index=True),
        "iso_number": ("text", "ISO.numeric"),  # text, for it begins with zeros: 008
        "native_name": ("text", "nativeName"),
        "capital": "json",  # a text, but a list of texts for Vatican City
        "region": column("text", index=True),
        "subregion": "text",
        "demonym": "text",
        "population": "bigint",
        "area_km2": ("numeric", "area"),
        "latitude": ("numeric", "latlng[0]"),
        "longitude": ("numeric", "latlng[1]"),
        "outline": ("json", "geoJSON"),  # exact to the last digit, for maps
        "borders": rows("borders[]", {"neighbour": column("text", "$", index=True)}),
        "currencies": rows("currencies[]", {"currency": ("text", "$")}),
        "languages": rows("languages[]", {"language": column("text", "$", index=True)}),
        "translations": rows("translations{}", {"translation": ("text", "$")}, at="language"),
        "provinces": rows("provinces[]", {"province": ("text", "$")}),
        "timezones": rows("timezones[]", {"timezone": ("text", "$")}),
        "domains": rows("tld[]", {"domain": ("text", "$")}),
    },
)

select_table_queries = {
    "most borders": """
        select c.name, count(*) as neighbours
        from countries as c
        join countries_borders as b on b.name = c.name
        group by c.name
        order by neighbours desc, c.name
        limit 10
    """,
    "languages by countries": """
        select l.language, count(*) as countries, sum(c.population) as people
        from countries as c
        join countries_languages as l on l.name = c.name
        group by l.language
        order by countries desc, l.language
        limit 10
    """,
    "shared currencies": """
        select u.currency, count(*) as countries, sum(c.area_km2) as area_km2
        from countries as c
        join countries_currencies as u on u.name = c.name
        group by u.currency
        having count(*) > 1
        order by countries desc, u.currency
        limit 10
    """,
    "provinces per country": """
        select c.name, c.region, count(*) as provinces
        from countries as c
        join countries_provinces as p on p.name = c.name
        group by c.name, c.region
        order by provinces desc, c.name
        limit 10
    """,
    "a country in other languages": """
        select name, language, translation
        from countries_translations
        where name = 'Switzerland'
        order by language
    """,
}
