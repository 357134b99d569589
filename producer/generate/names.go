package generate

import "strings"

// origin is where a voter's names come from. Of every 1000 voters, perMille have it.
type origin struct {
	nationality         string
	perMille            uint64
	female, male, names []string
}

// origins are names that are common in the Netherlands, in invented proportions.
func origins() []origin {
	words := strings.Fields
	lines := func(s string) []string { return strings.Split(s, ", ") }
	return []origin{
		{
			"Dutch", 760,
			words(`Anna Sanne Lotte Emma Sophie Fleur Eva Femke Maaike Marijke Ingrid Wilma Hanneke Anneke Johanna Maria Cornelia
				Hendrika Elisabeth Geertruida Saskia Esther Marloes Iris Julia Noor Tess Zoë Daniëlle Joëlle Renée Mariëlle Loes Nienke
				Trijntje Grietje Aaltje Wilhelmina Petronella Josephine Margriet Marleen Yvonne Monique Linda Petra Karin Astrid`),
			words(`Jan Pieter Hendrik Willem Cornelis Johannes Gerrit Jacob Daan Sem Lucas Levi Finn Bram Thijs Lars Sven Ruben Jasper
				Maarten Erik Peter Hans Kees Henk Wim Piet Dirk Arie Teun Joost Niels Bas Tim Tom Mark Jeroen Wouter Sander Martijn
				René André Michaël Daniël Raphaël Theo Frank Rob`),
			lines("de Jong, Jansen, de Vries, van den Berg, van Dijk, Bakker, Janssen, Visser, Smit, Meijer, de Boer, Mulder, de Groot, Bos, " +
				"Vos, Peters, Hendriks, van Leeuwen, Dekker, Brouwer, de Wit, Dijkstra, Smits, de Graaf, van der Meer, van der Linden, Kok, " +
				"Jacobs, de Haan, Vermeulen, van den Heuvel, van der Veen, van den Broek, de Bruijn, van der Heijden, Schouten, van Beek, " +
				"Willems, van Vliet, Hoekstra, Maas, Verhoeven, Koster, van Dam, Prins, Blom, Huisman, Peeters, Kuipers, van 't Hoff, " +
				"'t Hart, op den Kamp, ter Horst, in 't Veld, Thijssen, Coenen, Goossens, Kramer, Postma, Bosma, Zijlstra, Wiersma, d'Hondt"),
		},
		{
			"Frisian", 40, // a people of the country: their nationality is Dutch, see nationalityOf
			words("Nynke Fokje Sjoukje Baukje Wytske Tjitske Froukje Hiske Jildou Anke Rixt Doutzen Ymkje Gerbrich Lys"),
			words("Jelle Sjoerd Wiebe Douwe Sietse Tjeerd Hidde Jorrit Folkert Bauke Rinse Ids Gosse Fedde Wytze"),
			lines("Hoekstra, Dykstra, Sjoerdsma, de Vries, van der Wal, Bouma, Terpstra, Wiarda, Haitsma, Sytsma, Jellema, Hylkema, Kûper, Rypma"),
		},
		{
			"Turkish", 40,
			words("Ayşe Fatma Zeynep Elif Emine Hatice Meryem Özlem Gül Şebnem Büşra Aylin Derya Yasemin Çiğdem"),
			words("Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim Osman Yusuf Murat Emre Burak Ömer Çağlar Kerem"),
			lines("Yılmaz, Kaya, Demir, Şahin, Çelik, Yıldız, Yıldırım, Öztürk, Aydın, Özdemir, Arslan, Doğan, Kılıç, Aslan, Çetin, Koç, Güneş"),
		},
		{
			"Moroccan", 40,
			words("Fatima Khadija Aïcha Naïma Samira Nadia Yasmina Loubna Hanane Souad Imane Salma Ikram Najat Houda"),
			words("Mohamed Youssef Rachid Hassan Abdelkader Karim Said Mustapha Bilal Ayoub Ilias Khalid Noureddine Anouar Tarik"),
			lines("El Amrani, Bouzid, Benali, El Idrissi, Haddou, Aït Ali, Bakkali, El Khattabi, Ouali, Azzouzi, Chahbi, Tahiri, El Hamdaoui"),
		},
		{
			"Surinamese", 40,
			words("Shanti Anjali Cheryl Mavis Urmila Lilian Chantal Radha Sherida Priya Muriël Jennifer Sandhya Hortense Farida"),
			words("Ramesh Anton Clyde Ruben Soerin Dennis Stanley Rishi Winston Orlando Humphrey Ashwin Edgar Romeo Harold"),
			lines("Ramdin, Pinas, Kartosen, Soekhai, Jubithana, Sewnarain, Lieveld, Ramautarsing, Blijd, Amatkarijo, Tjon A Tsien, Cairo, Gangaram"),
		},
		{
			"Indonesian", 25,
			words("Dewi Sri Indah Ratna Yohana Marlène Ester Kartika Wulan Nona Lestari Melati"),
			words("Budi Agus Yohanes Frans Otto Rudi Hendra Domingus Etus Yopie Simon Wahyu"),
			lines("Pattiasina, Tahitu, Manuhutu, Latumahina, Siahaya, Sapulette, Wattimena, Setiawan, Wijaya, Soetomo, Matulessy, Nanlohy"),
		},
		{
			"Polish", 20,
			words("Agnieszka Małgorzata Katarzyna Ewa Joanna Magdalena Zofia Beata Grażyna Łucja Monika Aleksandra"),
			words("Piotr Krzysztof Andrzej Tomasz Paweł Michał Marek Łukasz Jakub Stanisław Grzegorz Wojciech"),
			lines("Nowak, Wójcik, Kowalczyk, Mazur, Krawczyk, Zając, Pawlak, Król, Wieczorek, Wróbel, Dudek, Stępień, Górski, Sikora"),
		},
		{
			"Portuguese", 15,
			words("Inês Conceição Beatriz Luísa Mariana Joana Graça Helena Sílvia Marta"),
			words("João José António Luís Tiago Gonçalo Nuno Sérgio Paulo Rui"),
			lines("Gonçalves, Araújo, Fernandes, Lopes, Évora, Tavares, Brandão, Simões, Magalhães, da Graça, dos Santos, Andrade"),
		},
		{
			"Chinese", 20,
			words("Mei Li Xiu Yan Jing Hui Wai-Ling Siu-Fong Min Yuen"),
			words("Wei Jun Ming Chi-Wai Kwok Hao Lei Yong Tak Feng"),
			lines("Chen, Wong, Cheung, Lau, Zhou, Hu, Tang, Lü, Man, Zhang, Xie, Ng"),
		},
	}
}

// nationalityOf is the nationality in the register of a voter of an origin. Half of those with roots abroad have both.
func nationalityOf(o origin, both bool) string {
	if !both || o.nationality == "Dutch" || o.nationality == "Frisian" {
		return "Dutch"
	}
	return "Dutch and " + o.nationality
}

// streets are names of streets that are common in the Netherlands.
func streets() []string {
	return strings.Split("Kerkstraat, Dorpsstraat, Schoolstraat, Molenstraat, Hoofdstraat, Stationsweg, Beukenlaan, Eikenlaan, Lindelaan, Kastanjelaan, "+
		"Wilhelminastraat, Julianastraat, Beatrixlaan, Emmastraat, Oranjestraat, Nieuwstraat, Marktplein, Raadhuisplein, Industrieweg, "+
		"Parallelweg, Sportlaan, Parkweg, Noordwijkselaan, Zuidersingel, Oosterkade, Westersingel, Havenstraat, Brugstraat, Sluisweg, Dijkweg, "+
		"Meidoornstraat, Vlierstraat, Merelstraat, Leeuwerikstraat, Zwaluwstraat, Reigerhof, Rembrandtlaan, Vermeerstraat, Jan Steenlaan, "+
		"Vondelstraat, P.C. Hooftlaan, Thorbeckestraat, Troelstralaan, 's-Gravenweg, Achter de Kerk, Burgemeester Jansenplein, "+
		"Prins Hendrikkade, Laan van Nieuw Oost-Indië, Curaçaostraat, Coördinatenpad", ", ")
}

// plain turns the letters of names into a-z, for e-mail addresses.
var plain = strings.NewReplacer(
	"á", "a", "ã", "a", "ç", "c", "ć", "c", "ë", "e", "é", "e", "è", "e", "ê", "e", "ę", "e", "ğ", "g", "ï", "i", "í", "i", "ı", "i",
	"ł", "l", "ń", "n", "ö", "o", "ó", "o", "õ", "o", "ş", "s", "ü", "u", "û", "u", "ú", "u", "ż", "z", "ź", "z", "ą", "a", "ś", "s",
	"i̇", "i", "'", "", " ", "-")

// mailbox is a name as written in an e-mail address: a-z and -.
func mailbox(name string) string { return strings.Trim(plain.Replace(strings.ToLower(name)), "-") }
